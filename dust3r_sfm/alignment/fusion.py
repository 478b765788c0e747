"""Depth and confidence of each image, fused from every prediction it is in, in one pass over them.

Memory: of each view the `fused_maps` best maps as float16 depth and confidence (4 bytes a pixel and map,
6.3 MB for 8 maps of 512 x 384), and only from its first map to its last: views are fused as soon as
nothing more is coming. float16 rounds depths by at most 0.05 %, without bias.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.depth_correction import corrected_depth
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import ConfidenceArray, Pair, PairPrediction, Predictions, Rigid, Tracks, View

AGREEMENT = 0.03
"""Relative depth difference at which two maps count as half agreeing."""
PIXELS_AT_ONCE = 65_536


@dataclass(frozen=True)
class World:
    """What fusion needs to know of one component: `scales` (world from pair) of its pairs, and by index
    among ALL views the poses, and tracks whose `view_index` counts in `members`."""

    members: tuple[int, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    scales: Mapping[Pair, float]
    tracks: Tracks


@dataclass(frozen=True)
class FusedDepth:
    """z in world units, 0 where unknown, and confidence >= 1, one pixel of the view each."""

    depth: Float[np.ndarray, "h w"]
    confidence: Float[np.ndarray, "h w"]


def _plan(
    worlds: Sequence[World], strength: Mapping[Pair, tuple[float, float]], most: int
) -> dict[int, list[Pair]]:
    """For each view the pairs whose maps are fused: those that know most of it. `strength` of a pair is
    its sum of weights over image i and over image j."""
    offers: dict[int, list[tuple[float, Pair]]] = {}
    for world in worlds:
        inside = set(world.members)
        for pair in world.scales:
            for view, known in zip((pair.i, pair.j), strength[pair], strict=True):
                if known > 0 and view in inside and pair.i in inside and pair.j in inside:
                    offers.setdefault(view, []).append((-known, pair))
    return {view: [pair for _, pair in sorted(found)[:most]] for view, found in offers.items()}


def _map_of(
    prediction: PairPrediction, view: int, scale: float, j_from_i: Rigid
) -> tuple[Float[np.ndarray, "h w"], ConfidenceArray]:
    """Depth of the view in the world by the pair's own scale, 0 where unknown, and its confidence."""
    if view == prediction.pair.i:
        depth, confidence = scale * prediction.points_i[..., 2].astype(np.float64), prediction.confidence_i
    else:
        depth = scale * (prediction.points_j @ j_from_i[2, :3]) + j_from_i[2, 3]
        confidence = prediction.confidence_j
    known = np.isfinite(depth) & (depth > 0) & (depth < np.finfo(np.float16).max) & (confidence > 1.0)
    return np.where(known, depth, 0.0), np.where(known, confidence, 1.0).astype(np.float64)


def _track_depths(world: World) -> dict[int, tuple[Float[np.ndarray, "t 2"], Float[np.ndarray, " t"]]]:
    """For each member (by index among all views) the pixels and depths of the track points it sees."""
    tracks, out = world.tracks, {}
    for local, view in enumerate(world.members):
        rows = tracks.view_index == local
        points = tracks.xyz[tracks.point_index[rows]]
        pose = world.cam_from_world[local]
        out[view] = (tracks.pixels[rows].astype(np.float64), points @ pose[2, :3] + pose[2, 3])
    return out


def fuse_pixels(
    depth: Float[np.ndarray, "k p"], confidence: Float[np.ndarray, "k p"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " p"]]:
    """Fused depth and confidence of p pixels from k maps, where depth 0 is unknown.

    The depth that most log-confidence stands behind (a mode in log depth), averaged over the maps that
    agree with it. The confidence is theirs times the root of their number, as independent opinions
    have, times how much they outweigh the maps that disagree: 1 where they do not.
    """
    known = depth > 0
    logs = np.log(np.where(known, depth, 1.0))
    weights = np.where(known, np.log(confidence), 0.0)
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
    return 1.0 / (1.0 + ((logs - centre) / AGREEMENT) ** 2) ** 2


def _fused_view(stack: Sequence[tuple[Float[np.ndarray, "h w"], ConfidenceArray]], view: View) -> FusedDepth:
    """All maps of one view; masked pixels are unknown."""
    height, width = view.image.shape[:2]
    depths = np.stack([depth.ravel() for depth, _ in stack])
    confidences = np.stack([confidence.ravel() for _, confidence in stack])
    parts = [
        fuse_pixels(
            depths[:, start : start + PIXELS_AT_ONCE].astype(np.float64),
            confidences[:, start : start + PIXELS_AT_ONCE].astype(np.float64),
        )
        for start in range(0, height * width, PIXELS_AT_ONCE)
    ]
    depth, confidence = (np.concatenate(values).reshape(height, width) for values in zip(*parts, strict=True))
    if view.mask is not None:
        depth, confidence = np.where(view.mask, depth, 0.0), np.where(view.mask, confidence, 1.0)
    return FusedDepth(depth.astype(np.float32), confidence.astype(np.float32))


def fuse(
    views: Sequence[View],
    predictions: Predictions,
    worlds: Sequence[World],
    strength: Mapping[Pair, tuple[float, float]],
    most: int,
    progress: Progress,
) -> dict[int, FusedDepth]:
    """Fused depth of every view that is in a world, by index among all views."""
    plan = _plan(worlds, strength, most)
    waiting = {view: set(pairs) for view, pairs in plan.items()}
    home = {pair: world for world in worlds for pair in world.scales}
    seen = {view: found for world in worlds for view, found in _track_depths(world).items()}
    stacks: dict[int, list[tuple[Float[np.ndarray, "h w"], ConfidenceArray]]] = {}
    fused: dict[int, FusedDepth] = {}
    progress.start("Fusing depth", len(predictions), "pairs")
    for prediction in predictions:
        pair = prediction.pair
        for view in (pair.i, pair.j):
            if pair not in waiting.get(view, ()):
                continue
            world = home[pair]
            depth, confidence = _map_of(prediction, view, world.scales[pair], _relative(world, pair))
            depth = corrected_depth(depth, *seen[view])
            stacks.setdefault(view, []).append((depth.astype(np.float16), confidence.astype(np.float16)))
            waiting[view].discard(pair)
            if not waiting[view]:
                fused[view] = _fused_view(stacks.pop(view), views[view])
        progress.advance()
    return fused


def _relative(world: World, pair: Pair) -> Rigid:
    """j_from_i in the world."""
    poses = world.cam_from_world
    i, j = world.members.index(pair.i), world.members.index(pair.j)
    return poses[j] @ invert_rigid(poses[i])
