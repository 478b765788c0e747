"""The parts of a scene whose inner geometry more than one chain of evidence holds.

Two photos that a pair joins prove nothing about that pair. Where pairs close cycles, each is checked by the
others: views that stay connected whichever witness is taken away form a block. Blocks are joined where one
sees, at the right pixels, points that the other triangulates without it, as when a photo is registered
by resection (J. Schoenberger and J.-M. Frahm, "Structure-from-motion revisited", CVPR 2016, section 4.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.bundle.tracks import Observations, compact
from dust3r_sfm.alignment.bundle.triangulation import (
    rays,
    reprojection_errors,
    triangulate,
    widest_angles_deg,
)
from dust3r_sfm.alignment.verification.witnesses import Witness, num_cells
from dust3r_sfm.geometry.graph import label_two_edge_components
from dust3r_sfm.types import Camera


@dataclass(frozen=True)
class PartConfig:
    """When two blocks of a scene are one."""

    max_error: float = 0.004
    """Reprojection error of an observation that agrees, over the long edge of the view."""
    loss_share: float = 0.25
    """Scale of the Cauchy loss of triangulation over that."""
    reweightings: int = 6
    """Rounds of robust triangulation."""
    min_angle_deg: float = 1.0
    """Widest angle between the rays of a point, from which on its depth is known well enough to check
    others."""
    min_points: int = 24
    """Observations of one block that fall where points of the other are, both ways together. (COLMAP asks for
    30 to register a photo.)"""
    min_share: float = 0.5
    """Of the observations that could: chance matches fall anywhere along their epipolar lines."""
    min_cells: int = 4
    """Cells (an eighth of the long edge) that these observations lie in, in the photos of either block."""
    cells: int = 8
    """Cells along the long edge."""
    min_block_points: int = 24
    """Points that a block triangulates by itself: epipolar lines agree in cameras that are wrong altogether,
    too."""
    min_agreeing_share: float = 0.6
    """Agreeing matches of a view over all that fit some epipolar geometry: one with fewer has as much against
    its place as for it."""
    min_seed_matches: int = 100
    """Agreeing matches of two views that begin a block although nothing checks their pair yet (COLMAP asks
    for as many of the pair that it begins with)."""


@dataclass(frozen=True)
class SeenTracks:
    """What all matches inside a scene say: `observations` in view pixels, of the views `cameras` and
    `cam_from_world` are of; and which two views the scene's points put against each other."""

    observations: Observations
    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    opposed: Bool[np.ndarray, "n n"]


@dataclass(frozen=True)
class _Points:
    """Points that one block triangulates: `track` of each, ascending."""

    track: Int[np.ndarray, " p"]
    xyz: Float[np.ndarray, "p 3"]


@dataclass(frozen=True)
class _Support:
    points: int
    candidates: int
    cells: int

    def enough(self, config: PartConfig) -> bool:
        share = self.points / max(self.candidates, 1)
        return (
            self.points >= config.min_points and share >= config.min_share and self.cells >= config.min_cells
        )


@dataclass(frozen=True)
class _Blocks:
    """A label for each view, what each block triangulates, which blocks support one another, and which ones
    are `barred` from joining any, being views that are doubted."""

    labels: Int[np.ndarray, " n"]
    points: Mapping[int, _Points]
    support: Mapping[tuple[int, int], _Support]
    barred: frozenset[int]


def find_proven_parts(
    witnesses: Sequence[Witness], seen: SeenTracks, given: Bool[np.ndarray, " n"], config: PartConfig
) -> Int[np.ndarray, " n"]:
    """A label for each view: those with the same one hold each other. A label of its own for a view that
    nothing holds. Two that are opposed are together only if both poses are `given`: such need no proof.
    Costs a triangulation of each block, and again each time that two become one."""
    count = len(seen.cameras)
    doubted = _find_doubted(witnesses, count, config) & ~given
    witnesses = [
        w for w in witnesses if w.supports and not doubted[[w.i, w.j]].any() and not seen.opposed[w.i, w.j]
    ]
    ends = np.array([(w.i, w.j) for w in witnesses], dtype=np.int64).reshape(-1, 2)
    labels = label_two_edge_components(ends[:, 0], ends[:, 1], count) if len(ends) else np.arange(count)
    if given.any():
        labels = np.where(np.isin(labels, labels[given]), labels[given].min(), labels)
    blocks = _join(_blocks(seen, labels, doubted, config), seen, config)
    for seed in _seeds(witnesses, config):
        i, j = blocks.labels[[seed.i, seed.j]]
        alone = np.count_nonzero(np.isin(blocks.labels, (i, j))) == 2
        if i != j and alone:
            blocks = _join(_merge(blocks, int(i), int(j), seen, config), seen, config)
    return _dissolve_pointless(blocks, given, config)


def _dissolve_pointless(
    blocks: _Blocks, given: Bool[np.ndarray, " n"], config: PartConfig
) -> Int[np.ndarray, " n"]:
    """Each view of a block that triangulates next to nothing by itself: its epipolar lines agree, as they may
    of cameras that are wrong altogether, but no point says so."""
    pointless = [
        label for label, points in blocks.points.items() if len(points.track) < config.min_block_points
    ]
    alone = np.isin(blocks.labels, pointless) & ~given
    # Labels are row numbers of views, one of the block's own each.
    return np.where(alone, np.arange(len(alone)), blocks.labels)


def _find_doubted(witnesses: Sequence[Witness], count: int, config: PartConfig) -> Bool[np.ndarray, " n"]:
    """Views too many of whose matches speak against their place."""
    ends = np.array([(w.i, w.j) for w in witnesses], dtype=np.int64).reshape(-1, 2)
    both = np.array([(w.agreeing, w.matches) for w in witnesses], dtype=np.float64).reshape(-1, 2)
    agreeing, matches = (
        np.bincount(ends.T.ravel(), np.tile(values, 2), minlength=count) for values in both.T
    )
    return agreeing < config.min_agreeing_share * matches


def _seeds(witnesses: Sequence[Witness], config: PartConfig) -> list[Witness]:
    strong = [w for w in witnesses if w.agreeing >= config.min_seed_matches]
    return sorted(strong, key=lambda w: (-w.agreeing, w.i, w.j))


def _blocks(
    seen: SeenTracks, labels: Int[np.ndarray, " n"], barred: Bool[np.ndarray, " n"], config: PartConfig
) -> _Blocks:
    points = {int(label): _block_points(seen, labels == label, config) for label in np.unique(labels)}
    support = {pair: _mutual(seen, labels, pair, points, config) for pair in _beside(seen, labels)}
    return _Blocks(labels, points, support, frozenset(labels[barred].tolist()))


def _join(blocks: _Blocks, seen: SeenTracks, config: PartConfig) -> _Blocks:
    """The best supported blocks merged until none supports another enough."""
    while good := [
        (found.points, pair)
        for pair, found in blocks.support.items()
        if found.enough(config) and not blocks.barred & set(pair)
        if not seen.opposed[np.ix_(blocks.labels == pair[0], blocks.labels == pair[1])].any()
    ]:
        into, moved = max(good)[1]
        blocks = _merge(blocks, into, moved, seen, config)
    return blocks


def _merge(blocks: _Blocks, into: int, moved: int, seen: SeenTracks, config: PartConfig) -> _Blocks:
    labels = np.where(blocks.labels == moved, into, blocks.labels)
    points = {label: found for label, found in blocks.points.items() if label != moved}
    points[into] = _block_points(seen, labels == into, config)
    support = {pair: found for pair, found in blocks.support.items() if not {into, moved} & set(pair)}
    anew = [pair for pair in _beside(seen, labels) if into in pair]
    support |= {pair: _mutual(seen, labels, pair, points, config) for pair in anew}
    return _Blocks(labels, points, support, blocks.barred)


def _beside(seen: SeenTracks, labels: Int[np.ndarray, " n"]) -> list[tuple[int, int]]:
    """Blocks that have a track in common, the lesser label first."""
    of = labels[seen.observations.view_index]
    both = np.unique(np.stack([seen.observations.point_index, of], axis=1), axis=0)
    same = both[1:, 0] == both[:-1, 0]
    # Neighbours in a track's list of blocks are enough to begin with: what is joined is asked again.
    pairs = np.unique(np.stack([both[:-1, 1][same], both[1:, 1][same]], axis=1), axis=0)
    return [(int(a), int(b)) for a, b in pairs]


def _block_points(seen: SeenTracks, inside: Bool[np.ndarray, " n"], config: PartConfig) -> _Points:
    """Tracks that two of these views see under an angle and where they should."""
    every = seen.observations
    keep = inside[every.view_index]
    counts = np.bincount(every.point_index[keep], minlength=every.num_points)
    track = np.flatnonzero(counts >= 2)
    if not len(track):
        return _Points(track, np.zeros((0, 3)))
    mine = compact(every.point_index, every.view_index, every.pixels, keep)
    from_views = rays(mine, seen.cameras, seen.cam_from_world)
    bounds = _bounds_px(seen, mine, config)
    xyz = triangulate(mine, from_views, config.loss_share * bounds, config.reweightings)
    good = reprojection_errors(mine, from_views, xyz) <= bounds
    agreeing = np.bincount(mine.point_index, good, len(xyz)) == np.bincount(mine.point_index)
    wide = widest_angles_deg(mine, from_views, len(xyz)) >= config.min_angle_deg
    return _Points(track[agreeing & wide], xyz[agreeing & wide])


def _bounds_px(seen: SeenTracks, observations: Observations, config: PartConfig) -> Float[np.ndarray, " o"]:
    long_edges = np.array([max(camera.width, camera.height) for camera in seen.cameras], dtype=np.float64)
    return config.max_error * long_edges[observations.view_index]


def _mutual(
    seen: SeenTracks,
    labels: Int[np.ndarray, " n"],
    pair: tuple[int, int],
    points: Mapping[int, _Points],
    config: PartConfig,
) -> _Support:
    """How many points of either block the other sees where they are."""
    a, b = pair
    there = _support(seen, points[a], labels == b, config)
    back = _support(seen, points[b], labels == a, config)
    return _Support(
        there.points + back.points, there.candidates + back.candidates, max(there.cells, back.cells)
    )


def _support(
    seen: SeenTracks, points: _Points, views: Bool[np.ndarray, " n"], config: PartConfig
) -> _Support:
    every = seen.observations
    mine = np.flatnonzero(views[every.view_index] & np.isin(every.point_index, points.track))
    if not len(mine):
        return _Support(0, 0, 0)
    row = np.searchsorted(points.track, every.point_index[mine])
    chosen = Observations(row, every.view_index[mine], every.pixels[mine])
    errors = reprojection_errors(chosen, rays(chosen, seen.cameras, seen.cam_from_world), points.xyz)
    good = errors <= _bounds_px(seen, chosen, config)
    cells = sum(
        num_cells(chosen.pixels[good & (chosen.view_index == view)], seen.cameras[view], config.cells)
        for view in np.unique(chosen.view_index[good]).tolist()
    )
    return _Support(int(good.sum()), len(mine), cells)
