"""Depth and confidence of each image, fused from the best maps that pairs have of it.

Memory: on each core one view's `fused_maps` maps at a time (16 bytes a pixel and map).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.depth_correction import corrected_depth
from dust3r_sfm.evidence import Evidence
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.progress import Progress
from dust3r_sfm.threads import in_threads
from dust3r_sfm.types import ConfidenceArray, Pair, Rigid, Tracks, View

AGREEMENT = 0.03
"""Relative depth difference at which two maps count as half agreeing."""
PIXELS_AT_ONCE = 16_384


@dataclass(frozen=True)
class World:
    """What fusion needs to know of one component: `members` are indices of ALL views, which poses and
    `tracks.view_index` run parallel to; `scales` (world from pair) are those of its pairs."""

    members: tuple[int, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    scales: Mapping[Pair, float]
    tracks: Tracks


@dataclass(frozen=True)
class FusedDepth:
    """z in world units, 0 where unknown, and confidence >= 1, one pixel of the view each."""

    depth: Float[np.ndarray, "h w"]
    confidence: Float[np.ndarray, "h w"]


def chosen_maps(kept: Sequence[Pair], view: int, world: World, most: int) -> list[Pair]:
    """The pairs whose maps of the view are fused: the best of the world's, and of both directions of a
    pair the one in the view's own frame."""
    inside = set(world.members)
    usable = [p for p in kept if p in world.scales and p.i in inside and p.j in inside]
    return [p for p in usable if p.i == view or p.swapped() not in usable][:most]


def _map_of(
    evidence: Evidence, view: int, pair: Pair, world: World
) -> tuple[Float[np.ndarray, "h w"], ConfidenceArray]:
    """Depth of the view in the world by the pair's own scale, 0 where unknown, and its confidence."""
    values, confidence = evidence.maps.read((view, pair)).unpacked()
    if view == pair.i:
        depth = world.scales[pair] * values[..., 0]
    else:
        j_from_i = _relative(world, pair)
        depth = world.scales[pair] * (values @ j_from_i[2, :3].astype(np.float32)) + float(j_from_i[2, 3])
    known = np.isfinite(depth) & (depth > 0) & (confidence > 1.0)
    return np.where(known, depth, np.float32(0.0)), np.where(known, confidence, np.float32(1.0))


def _seen_tracks(world: World, local: int) -> tuple[Float[np.ndarray, "t 2"], Float[np.ndarray, " t"]]:
    """Pixels and depths of the track points that a member sees."""
    tracks, pose = world.tracks, world.cam_from_world[local]
    rows = tracks.view_index == local
    points = tracks.xyz[tracks.point_index[rows]]
    return tracks.pixels[rows].astype(np.float64), points @ pose[2, :3] + pose[2, 3]


def fuse_pixels(
    depth: Float[np.ndarray, "k p"], confidence: Float[np.ndarray, "k p"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Fused depth and confidence of p pixels from k maps, where depth 0 is unknown.

    The depth that most log-confidence stands behind (a mode in log depth), averaged over the maps that
    agree with it. The confidence is theirs times the root of their number, as independent opinions
    have, times how much they outweigh the maps that disagree: 1 where they do not.
    """
    known = depth > 0
    # float32 holds a log of depth to 1e-6, and takes half as long.
    logs = np.log(np.where(known, depth, 1.0)).astype(np.float32)
    weights = np.where(known, np.log(confidence), 0.0).astype(np.float32)
    support = np.stack([(weights * _agreement(logs, logs[k])).sum(axis=0) for k in range(len(logs))])
    best = np.argmax(np.where(known, support, -1.0), axis=0)
    centre = np.take_along_axis(logs, best[None], axis=0)[0]
    for _ in range(2):
        share = weights * _agreement(logs, centre)
        total = share.sum(axis=0)
        some = total > 0
        centre = np.where(some, (share * logs).sum(axis=0) / np.where(some, total, 1.0), centre)
    agreeing = np.where(known & (weights > 0), _agreement(logs, centre), 0.0)
    count = np.maximum(agreeing.sum(axis=0), 1e-9)
    share, everything = (weights * agreeing).sum(axis=0), np.maximum(weights.sum(axis=0), 1e-9)
    majority = np.clip(2.0 * share / everything - 1.0, 0.0, 1.0)
    fused = 1.0 + np.expm1(share / count) * majority * np.sqrt(count)
    return np.where(some, np.exp(centre), 0.0), np.where(some, fused, 1.0)


def _agreement(logs: Float[np.ndarray, "k p"], centre: Float[np.ndarray, " p"]) -> Float[np.ndarray, "k p"]:
    unlike = np.square((logs - centre) * np.float32(1.0 / AGREEMENT))
    unlike += 1.0
    return 1.0 / np.square(unlike)


def fused_view(stack: Sequence[tuple[Float[np.ndarray, "h w"], ConfidenceArray]], view: View) -> FusedDepth:
    """All maps of one view; masked pixels are unknown."""
    shape = view.image.shape[:2]
    depths = np.stack([depth.ravel() for depth, _ in stack])
    confidences = np.stack([confidence.ravel() for _, confidence in stack])
    confidences[depths <= 0] = 1.0  # Also where a correction took the depth away.
    # What only one map knows is as that has it.
    depth, confidence = depths.sum(axis=0), confidences.max(axis=0)
    several = np.flatnonzero(np.count_nonzero(depths, axis=0) > 1)
    for start in range(0, len(several), PIXELS_AT_ONCE):
        some = several[start : start + PIXELS_AT_ONCE]
        # `take` leaves each map's pixels side by side, which an index does not.
        depth[some], confidence[some] = fuse_pixels(depths.take(some, 1), confidences.take(some, 1))
    depth, confidence = depth.reshape(shape), confidence.reshape(shape)
    if view.mask is not None:
        depth, confidence = np.where(view.mask, depth, 0.0), np.where(view.mask, confidence, 1.0)
    return FusedDepth(depth.astype(np.float32), confidence.astype(np.float32))


def fuse(
    views: Sequence[View], evidence: Evidence, worlds: Sequence[World], most: int, progress: Progress
) -> dict[int, FusedDepth]:
    """Fused depth of every view in a world that pairs have maps of, by index among all views."""
    placed = [(world, local) for world in worlds for local in range(len(world.members))]

    def fused_at(place: tuple[World, int]) -> FusedDepth | None:
        world, local = place
        view, seen = world.members[local], _seen_tracks(world, local)
        stack = []
        for pair in chosen_maps(evidence.kept.get(view, ()), view, world, most):
            depth, confidence = _map_of(evidence, view, pair, world)
            stack.append((corrected_depth(depth, *seen), confidence))
        return fused_view(stack, views[view]) if stack else None

    progress.start("Fusing depth", len(placed), "images")
    fused: dict[int, FusedDepth] = {}
    for (world, local), found in zip(placed, in_threads(fused_at, placed), strict=True):
        if found is not None:
            fused[world.members[local]] = found
        progress.advance()
    return fused


def _relative(world: World, pair: Pair) -> Rigid:
    """j_from_i in the world."""
    poses = world.cam_from_world
    i, j = world.members.index(pair.i), world.members.index(pair.j)
    return poses[j] @ invert_rigid(poses[i])
