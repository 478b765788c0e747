"""Views that fell out of a scene, found again by their matches to its tracks.

Averaging needs a pair to agree with its neighbours in scale and baseline; a view that hangs on one weak
pair may not, and yet see dozens of the scene's points. It is resected from them, and everything is
bundle-adjusted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.alignment.bundle.bundle_refinement import FINE, POLISH, Schedule
from dust3r_sfm.alignment.bundle.observed_points import ObservedPoints, observed_points, points_at
from dust3r_sfm.alignment.bundle.refined_component import Posed, pose
from dust3r_sfm.alignment.components import Solved
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.pairs.initialization import Start
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.epipolar import epipolar_errors
from dust3r_sfm.geometry.graph import two_edge_connected
from dust3r_sfm.geometry.resection import resected
from dust3r_sfm.geometry.view_cameras import view_camera, view_scale
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, Rigid, View

MIN_INLIERS, MIN_INLIER_RATIO = 16, 0.25
"""Points of the scene that a view must see where they should be. (COLMAP asks for 30.)"""
MAX_ERROR = 0.008
"""Their largest reprojection error, over the long edge of the view. (COLMAP allows 12 px at first.)"""
CONTRADICTION = 1.5
"""Times as many matches as the weakest used pair in between, from which on a pair is heeded."""
MIN_SOLID = 3
"""Views held by pairs that are not planar, from which on the others are doubted."""
SELF_HELD = 4
"""Views that cycles of planar pairs hold together, from which on these can hardly all be mistaken."""
MOST_POLISHED = 40_000
"""Observations from which on a scene is left as it is if the last adjustment hardly moved its focals.
(Another one changes no figure of 12 and of 233 photos; it does of 51 from a car, whose focal still moved.)"""
AGREEING_SHARE = 0.5
"""A pair agrees with the scene if more of its matches than this lie on their epipolar lines."""


def recovered(
    posed: Posed, outside: Sequence[int], views: Sequence[View], start: Start, config: AlignmentConfig
) -> Posed:
    """The scene with as many of the views `outside` (by index among all) as can be resected, in rounds,
    as each gives new points to the next. Each round costs one bundle adjustment. Never smaller than
    `posed`, but for views that only a plane held and that nothing else confirms."""
    if not len(posed.tracks.xyz):
        return posed
    first = posed
    unsure = _planar_only(posed, start) | _contradicted(posed, start)
    if unsure:
        posed = without(posed, unsure, views, start, config)
    waiting = set(outside) | unsure
    while waiting and (found := _resected(posed, sorted(waiting), views, start, config.seed)):
        waiting -= set(found)
        larger, _ = pose(_extended(posed, found, start), views, start, config, FINE)
        if not set(posed.members) <= set(larger.members):
            break
        posed = larger
    return _reported_as(first, posed)


def polished(posed: Posed, views: Sequence[View], start: Start, config: AlignmentConfig) -> Posed:
    """Adjusted to convergence, which pays only once all views are in; as it was where that would lose a view,
    where no adjustment gained anything, or where there are so many observations that the last one's end will
    do."""
    if not posed.adjusted or (posed.settled and len(posed.tracks.view_index) > MOST_POLISHED):
        return posed
    last = without(posed, set(), views, start, config, POLISH)
    return _reported_as(posed, last) if last.adjusted and last.members == posed.members else posed


def _reported_as(first: Posed, last: Posed) -> Posed:
    """What the first adjustment gained is what the report is about."""
    return replace(
        last,
        bundle_adjustment=first.bundle_adjustment,
        robust_error_before_px=first.robust_error_before_px,
    )


def _contradicted(posed: Posed, start: Start) -> set[int]:
    """Views that hang on the rest by fewer matches than a pair has that speaks against their place.

    A pair speaks against it if its matches do not lie on their epipolar lines, and is heeded if no chain
    of used pairs joins its views that is about as strong throughout. The smaller side is doubted then.
    """
    number = {member: local for local, member in enumerate(posed.members)}
    used = {(number[p.i], number[p.j]): len(start.correspondences.get(p, ())) for p in posed.scales}
    doubted: set[int] = set()
    for measured in start.measured:
        pair = measured.pair
        if not measured.metric or pair in posed.scales or pair not in start.correspondences:
            continue
        if pair.i not in number or pair.j not in number:
            continue
        i, j, found = number[pair.i], number[pair.j], start.correspondences[pair]
        j_from_i = posed.cam_from_world[j] @ invert_rigid(posed.cam_from_world[i])
        if not _agree(found, posed.cameras[i], posed.cameras[j], j_from_i):
            strong = [ends for ends, matches in used.items() if CONTRADICTION * matches >= len(found)]
            doubted |= _cut_off(i, j, strong, len(number))
    left = len(number) - len(doubted)
    return {posed.members[local] for local in doubted} if left >= MIN_SOLID else set()


def _cut_off(i: int, j: int, strong: Sequence[tuple[int, int]], count: int) -> set[int]:
    """The views on the smaller of both sides, where strong pairs do not join views i and j."""
    ends = np.array(strong, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(strong)), (ends[0], ends[1])), shape=(count, count))
    label = connected_components(graph, directed=False)[1]
    if label[i] == label[j]:
        return set()
    sides = [set(np.flatnonzero(label == label[end]).tolist()) for end in (i, j)]
    return min(sides, key=lambda side: (len(side), min(side)))


def without(
    posed: Posed,
    gone: set[int],
    views: Sequence[View],
    start: Start,
    config: AlignmentConfig,
    schedule: Schedule = FINE,
) -> Posed:
    """The scene adjusted again without some of its views."""
    kept = [local for local, member in enumerate(posed.members) if member not in gone]
    inside = [pair for pair in posed.scales if pair.i not in gone and pair.j not in gone]
    left = Solved(
        tuple(posed.members[local] for local in kept),
        tuple(posed.cameras[local] for local in kept),
        posed.cam_from_world[kept],
        {pair: posed.scales[pair] for pair in inside},
        {pair: posed.residual_px[pair] for pair in inside},
        posed.stages,
    )
    return pose(left, views, start, config, schedule)[0]


def _planar_only(posed: Posed, start: Start) -> set[int]:
    """Views that hang on nothing but pairs of a plane, where others do not, unless many hang together. Such
    a pair has two poses that explain it equally well (Longuet-Higgins 1986); the points of other views tell
    which is right."""
    geometry = {summary.pair: summary.geometry for summary in start.summaries}
    solid = {
        view
        for pair in posed.scales
        if geometry[pair] is not PairGeometry.PLANAR
        for view in (pair.i, pair.j)
    }
    if len(solid) < MIN_SOLID:
        return set()
    size = max(posed.members) + 1
    loose = [(p.i, p.j) for p in posed.scales if not {p.i, p.j} & solid]
    ends = np.array(loose, dtype=np.int64).reshape(-1, 2).T
    label = two_edge_connected(ends[0], ends[1], size)
    hanging_together = np.bincount(label, minlength=size)[label]
    return {view for view in set(posed.members) - solid if hanging_together[view] < SELF_HELD}


@dataclass(frozen=True)
class _Resection:
    camera: Camera
    cam_from_world: Rigid


def _resected(
    posed: Posed, waiting: Sequence[int], views: Sequence[View], start: Start, seed: int
) -> dict[int, _Resection]:
    observed = {m: observed_points(posed.tracks, local) for local, m in enumerate(posed.members)}
    out = {}
    for view in waiting:
        pixels, points = _scene_points(view, posed, observed, start.correspondences)
        camera = _camera_of(view, posed, views, start)
        found = _resect(pixels, points, camera, seed)
        if found is not None:
            out[view] = _Resection(camera, found)
    return out


def _scene_points(
    view: int,
    posed: Posed,
    observed: Mapping[int, ObservedPoints],
    correspondences: Mapping[Pair, Correspondences],
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 3"]]:
    """Pixels of the view and the points of the scene that its matches say are there, each pair once."""
    rows = [np.zeros((0, 3))]
    for member, seen in observed.items():
        known = correspondences.get(Pair(member, view))
        if known is None:
            swapped = correspondences.get(Pair(view, member))
            known = None if swapped is None else swapped.swapped()
        if known is None:
            continue
        point = points_at(seen, known.pixels_i)
        hit = point >= 0
        rows.append(np.column_stack([known.pixels_j[hit].astype(np.float64), point[hit]]))
    distinct = np.unique(np.concatenate(rows), axis=0)
    return distinct[:, :2], posed.tracks.xyz[distinct[:, 2].astype(np.int64)]


def _camera_of(view: int, posed: Posed, views: Sequence[View], start: Start) -> Camera:
    """As it is given; else with the focal of its camera group in the scene, or that of the evidence."""
    given = start.known.cameras[view]
    if given is not None:
        return given
    scale = view_scale(views[view])
    for local, member in enumerate(posed.members):
        if start.groups[member] == start.groups[view]:
            known = posed.cameras[local]
            focal = known.fx / view_scale(views[member]) * scale
            return replace(view_camera(views[view], focal), k1=known.k1)
    return view_camera(views[view], float(np.exp(start.evidence.log_focal[start.groups[view]])) * scale)


def _resect(
    pixels: Float[np.ndarray, "n 2"], points: Float[np.ndarray, "n 3"], camera: Camera, seed: int
) -> Rigid | None:
    if len(pixels) < MIN_INLIERS:
        return None
    found = resected(points, pixels, camera, MAX_ERROR * max(camera.width, camera.height), seed)
    if found is None or found.inliers.sum() < max(MIN_INLIERS, MIN_INLIER_RATIO * len(pixels)):
        return None
    return found.cam_from_points


def _extended(posed: Posed, found: Mapping[int, _Resection], start: Start) -> Solved:
    """The scene and the views found, with all pairs whose matches agree with their cameras."""
    cameras = dict(zip(posed.members, posed.cameras, strict=True))
    poses = dict(zip(posed.members, posed.cam_from_world, strict=True))
    for view, resection in found.items():
        given = start.known.cam_from_world[view]
        cameras[view] = resection.camera
        poses[view] = resection.cam_from_world if given is None else given
    members = tuple(sorted(poses))
    scales, residual_px = dict(posed.scales), dict(posed.residual_px)
    for measured in start.measured:
        pair = measured.pair
        baseline = float(np.linalg.norm(measured.j_from_i[:3, 3]))
        inside = pair.i in poses and pair.j in poses and pair in start.correspondences
        if not inside or pair in scales or not measured.metric or baseline == 0:
            continue
        j_from_i = poses[pair.j] @ invert_rigid(poses[pair.i])
        if _agree(start.correspondences[pair], cameras[pair.i], cameras[pair.j], j_from_i):
            scales[pair] = float(np.linalg.norm(j_from_i[:3, 3])) / baseline
            residual_px[pair] = measured.median_residual_px
    ordered = tuple(cameras[m] for m in members)
    return Solved(members, ordered, np.stack([poses[m] for m in members]), scales, residual_px, posed.stages)


def _agree(found: Correspondences, camera_i: Camera, camera_j: Camera, j_from_i: Rigid) -> bool:
    """Whether most matches lie on their epipolar lines."""
    error = epipolar_errors(found, camera_i, camera_j, j_from_i)
    return float(np.mean(error < MAX_ERROR * max(camera_j.width, camera_j.height))) > AGREEING_SHARE
