"""Depth and confidence of each image, fused from the best maps that pairs have of it.

Memory: on each core `DepthFusionConfig.maps` maps of one view at a time (16 bytes a pixel and map).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from jaxtyping import Float

from dust3r_sfm.dense.depth_correction import DepthCorrectionConfig, correct_depth
from dust3r_sfm.evidence import Evidence
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.robust import geman_mcclure
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import ConfidenceArray, Pair, Reconstruction, Rigid, Scene, View

PIXELS_AT_ONCE = 16_384
"""Whose maps are worked on together: what stays in a core's cache."""


@dataclass(frozen=True)
class DepthFusionConfig:
    """How the depth maps that pairs have of a view become one."""

    maps: int = 6
    """Maps of a view, the best of those that were kept, that are fused."""
    agreement: float = 0.03
    """Relative depth difference at which two maps count as a quarter agreeing."""
    shifts: int = 2
    """Steps of the mode towards the mean of the maps that agree with it."""
    correction: DepthCorrectionConfig = field(default_factory=DepthCorrectionConfig)
    """How each map is brought to agree with the track points first."""


@dataclass(frozen=True)
class _PosedMaps:
    """A scene and how the pairs' maps lie in it: `members` are its views' indices among ALL views, `scales`
    (world from pair) those of the pairs it uses."""

    scene: Scene
    members: tuple[int, ...]
    scales: Mapping[Pair, float]


@dataclass(frozen=True)
class FusedDepth:
    """z in world units, 0 where unknown, and confidence >= 1, one pixel of the view each."""

    depth: Float[np.ndarray, "h w"]
    confidence: Float[np.ndarray, "h w"]


def select_maps(kept: Sequence[Pair], view: int, used: Collection[Pair], most: int) -> list[Pair]:
    """The pairs whose maps of the view are fused: the best of those `used`, and of both directions of a
    pair the one in the view's own frame."""
    usable = [p for p in kept if p in used]
    return [p for p in usable if p.i == view or p.swap() not in usable][:most]


def _map_of(
    evidence: Evidence, view: int, pair: Pair, posed: _PosedMaps
) -> tuple[Float[np.ndarray, "h w"], ConfidenceArray]:
    """Depth of the view in the world by the pair's own scale, 0 where unknown, and its confidence."""
    values, confidence = evidence.maps.read((view, pair)).unpack()
    if view == pair.i:
        depth = posed.scales[pair] * values[..., 0]
    else:
        j_from_i = _relative(posed, pair)
        depth = posed.scales[pair] * (values @ j_from_i[2, :3].astype(np.float32)) + float(j_from_i[2, 3])
    known = np.isfinite(depth) & (depth > 0) & (confidence > 1.0)
    return np.where(known, depth, np.float32(0.0)), np.where(known, confidence, np.float32(1.0))


def _seen_tracks(scene: Scene, local: int) -> tuple[Float[np.ndarray, "t 2"], Float[np.ndarray, " t"]]:
    """Pixels and depths of the track points that a member sees."""
    tracks, pose = scene.tracks, scene.cam_from_world[local]
    rows = tracks.view_index == local
    points = tracks.xyz[tracks.point_index[rows]]
    return tracks.pixels[rows].astype(np.float64), points @ pose[2, :3] + pose[2, 3]


def fuse_pixels(
    depth: Float[np.ndarray, "k p"], confidence: Float[np.ndarray, "k p"], config: DepthFusionConfig
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
    support = np.stack(
        [(weights * _agreement(logs, logs[k], config.agreement)).sum(axis=0) for k in range(len(logs))]
    )
    best = np.argmax(np.where(known, support, -1.0), axis=0)
    centre = np.take_along_axis(logs, best[None], axis=0)[0]
    for _ in range(config.shifts):
        share = weights * _agreement(logs, centre, config.agreement)
        total = share.sum(axis=0)
        some = total > 0
        centre = np.where(some, (share * logs).sum(axis=0) / np.where(some, total, 1.0), centre)
    agreeing = np.where(known & (weights > 0), _agreement(logs, centre, config.agreement), 0.0)
    count = np.maximum(agreeing.sum(axis=0), 1e-9)
    share, everything = (weights * agreeing).sum(axis=0), np.maximum(weights.sum(axis=0), 1e-9)
    majority = np.clip(2.0 * share / everything - 1.0, 0.0, 1.0)
    fused = 1.0 + np.expm1(share / count) * majority * np.sqrt(count)
    return np.where(some, np.exp(centre), 0.0), np.where(some, fused, 1.0)


def _agreement(
    logs: Float[np.ndarray, "k p"], centre: Float[np.ndarray, " p"], agreement: float
) -> Float[np.ndarray, "k p"]:
    """1 where a map has the same depth, less the less alike it is (the weight of Geman and McClure)."""
    return geman_mcclure((logs - centre) * np.float32(1.0 / agreement))


def fuse_view(
    stack: Sequence[tuple[Float[np.ndarray, "h w"], ConfidenceArray]], view: View, config: DepthFusionConfig
) -> FusedDepth:
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
        found = fuse_pixels(depths.take(some, 1), confidences.take(some, 1), config)
        depth[some], confidence[some] = found
    depth, confidence = depth.reshape(shape), confidence.reshape(shape)
    if view.mask is not None:
        depth, confidence = np.where(view.mask, depth, 0.0), np.where(view.mask, confidence, 1.0)
    return FusedDepth(depth.astype(np.float32), confidence.astype(np.float32))


def fuse_depth(
    reconstruction: Reconstruction,
    views: Sequence[View],
    evidence: Evidence,
    config: DepthFusionConfig | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """The scenes with fused depth and confidence of every view that pairs have maps of; nothing is known of
    the others. `views` are all that the evidence is of. A stage "Fusing depth" in images."""
    config, progress = config or DepthFusionConfig(), progress or Silent()
    number = {view.name: index for index, view in enumerate(views)}
    posed = [_posed_maps(scene, number) for scene in reconstruction.scenes]
    places = [(maps, local) for maps in posed for local in range(len(maps.members))]

    def fuse_at(place: tuple[_PosedMaps, int]) -> FusedDepth:
        maps, local = place
        view, seen = maps.members[local], _seen_tracks(maps.scene, local)
        stack = []
        for pair in select_maps(evidence.kept.get(view, ()), view, maps.scales, config.maps):
            depth, confidence = _map_of(evidence, view, pair, maps)
            stack.append((correct_depth(depth, *seen, config.correction), confidence))
        if not stack:
            return FusedDepth(maps.scene.depth[local], maps.scene.confidence[local])
        return fuse_view(stack, views[view], config)

    progress.start("Fusing depth", len(places), "images")
    fused: list[FusedDepth] = []
    for found in in_threads(fuse_at, places):
        fused.append(found)
        progress.advance()
    left, scenes = iter(fused), []
    for scene in reconstruction.scenes:
        mine = list(islice(left, len(scene.views)))
        depth, confidence = tuple(one.depth for one in mine), tuple(one.confidence for one in mine)
        scenes.append(replace(scene, depth=depth, confidence=confidence))
    return replace(reconstruction, scenes=tuple(scenes))


def _posed_maps(scene: Scene, number: Mapping[str, int]) -> _PosedMaps:
    scales = {report.pair: report.scale for report in scene.report.pairs if report.scale is not None}
    return _PosedMaps(scene, tuple(number[view.name] for view in scene.views), scales)


def _relative(posed: _PosedMaps, pair: Pair) -> Rigid:
    """j_from_i in the world."""
    poses = posed.scene.cam_from_world
    i, j = posed.members.index(pair.i), posed.members.index(pair.j)
    return poses[j] @ invert_rigid(poses[i])
