"""Repeated structure: two places that look alike, of which one solution can only show one.

A pair that mistakes one place for another says of the two parts of the scene that one lies elsewhere: by a
motion of the world, the same for all pairs that make this mistake. Pairs that are wrong by chance have
nothing in common. So rejected pairs that agree with each other, against the scene, are two hypotheses of
which the scene holds the better supported one. (See C. Zach et al., "Disambiguating visual relations using
loop constraints", CVPR 2010, for the problem; this is the check that geometry alone allows.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.relative_pose import RelativePose
from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.geometry.transforms import centre_spread
from dust3r_sfm.types import Pair

TWO_PLACES = "two places may look alike, or one may have been taken for two"


@dataclass(frozen=True)
class RepeatedStructureConfig:
    """When rejected pairs agree on another place for a part of the scene."""

    most_pairs: int = 400
    """Rejected pairs, the strongest, that are compared with each other."""
    same_turn_deg: float = 5.0
    """Motions are the same up to this turn ..."""
    same_place: float = 0.1
    """... and this share of the scene's size."""
    min_pairs: int = 3
    """Pairs (both directions count once) that must agree."""


@dataclass(frozen=True)
class _Elsewhere:
    """What rejected pairs do to the world: where view j's surroundings would be, moved from where the scene
    has them. One row a pair."""

    pairs: tuple[Pair, ...]
    motion: Float[np.ndarray, "p 4 4"]
    middle: Float[np.ndarray, "p 3"]


def find_repeated_structure(
    component: Component, measured: Sequence[RelativePose], config: RepeatedStructureConfig
) -> dict[Pair, str]:
    """Rejected pairs that agree on another place for a part of the scene, and a sentence that says so."""
    found = _find_elsewhere(component, measured, config.most_pairs)
    if len(found.pairs) < config.min_pairs:
        return {}
    same = _same(found, config.same_place * centre_spread(component.cam_from_world), config.same_turn_deg)
    out: dict[Pair, str] = {}
    left = np.ones(len(same), dtype=bool)
    while left.any():
        counts = np.array([_count_undirected(found.pairs, row & left) for row in same]) * left
        best = int(np.argmax(counts))
        if counts[best] < config.min_pairs:
            break
        group = same[best] & left
        text = f"it agrees with {counts[best] - 1} other rejected pairs: {TWO_PLACES}"
        out.update({found.pairs[row]: text for row in np.flatnonzero(group)})
        left &= ~group
    return out


def _find_elsewhere(component: Component, measured: Sequence[RelativePose], most: int) -> _Elsewhere:
    local = component.local
    inside = [m for m in measured if m.pair.i in local and m.pair.j in local]
    depth = _log_depths(component, inside)
    rejected = [m for m in inside if m.metric and m.pair not in component.scales and m.pair.i in depth]
    rejected = sorted(rejected, key=lambda m: (-m.strength, m.pair))[:most]
    motions, middles, pairs = [], [], []
    for m in rejected:
        scale = _log_scale(m, depth[m.pair.i])
        if scale is None:
            continue
        j_from_i = m.j_from_i.copy()
        j_from_i[:3, 3] *= np.exp(scale)
        world_from_i = invert_rigid(component.cam_from_world[local[m.pair.i]])
        j_from_world = component.cam_from_world[local[m.pair.j]]
        motions.append(world_from_i @ invert_rigid(j_from_i) @ j_from_world)
        ahead = np.array([0.0, 0.0, np.exp(np.nanmedian(depth[m.pair.i])), 1.0])
        middles.append((invert_rigid(j_from_world) @ ahead)[:3])
        pairs.append(m.pair)
    return _Elsewhere(tuple(pairs), np.array(motions).reshape(-1, 4, 4), np.array(middles).reshape(-1, 3))


def _log_depths(
    component: Component, inside: Sequence[RelativePose]
) -> Mapping[int, Float[np.ndarray, " samples"]]:
    """log depth in the world at the samples of each view that is the first of a used pair."""
    logs: dict[int, list[Float[np.ndarray, " samples"]]] = {}
    for m in inside:
        if m.pair in component.scales:
            own = _known_log_depth(m) + np.log(component.scales[m.pair])
            logs.setdefault(m.pair.i, []).append(own)
    with np.errstate(invalid="ignore"):
        return {view: np.mean(rows, axis=0) for view, rows in logs.items()}


def _known_log_depth(measured: RelativePose) -> Float[np.ndarray, " samples"]:
    depth, weights = measured.summary.depth_i.astype(np.float64), measured.summary.weights_i
    return np.log(np.where((weights > 0) & (depth > 0), depth, np.nan))


def _log_scale(measured: RelativePose, world: Float[np.ndarray, " samples"]) -> float | None:
    difference = world - _known_log_depth(measured)
    return float(np.nanmedian(difference)) if np.isfinite(difference).any() else None


def _same(found: _Elsewhere, place: float, turn_deg: float) -> Bool[np.ndarray, "p p"]:
    """Whether the motions of two pairs are the same, or inverse: pairs may lead either way."""
    out = np.zeros((len(found.pairs), len(found.pairs)), dtype=bool)
    inverse = invert_rigid(found.motion)
    for row, (motion, middle) in enumerate(zip(found.motion, found.middle, strict=True)):
        for other in (found.motion, inverse):
            turn = rotation_angle_deg(np.swapaxes(other[:, :3, :3], -1, -2) @ motion[:3, :3])
            there = motion[:3, :3] @ middle + motion[:3, 3]
            shift = np.linalg.norm(other[:, :3, :3] @ middle + other[:, :3, 3] - there, axis=1)
            out[row] |= (turn < turn_deg) & (shift < place)
    return out


def _count_undirected(pairs: Sequence[Pair], rows: Bool[np.ndarray, " p"]) -> int:
    chosen: Int[np.ndarray, " k"] = np.flatnonzero(rows)
    return len({min(pairs[row], pairs[row].swap()) for row in chosen})
