"""Image registration: views that fell out of a scene, resected from its points.

Averaging needs a pair to agree with its neighbours in scale and baseline; a view that hangs on one weak
pair may not, and yet see dozens of the scene's points. It is resected from them, and everything is
bundle-adjusted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.component_refinement import readjust_without, refine_component
from dust3r_sfm.alignment.bundle.config import BundleConfig, RegistrationConfig
from dust3r_sfm.alignment.bundle.doubts import contradicted_members, matches_fit_pose, planar_only_members
from dust3r_sfm.alignment.bundle.observed_points import ObservedPoints, observed_points, points_at
from dust3r_sfm.alignment.bundle.schedule import final_adjustment, later_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.geometry.resection import resect
from dust3r_sfm.geometry.view_cameras import principal_point, view_camera, view_scale
from dust3r_sfm.types import Camera, Correspondences, Pair, Rigid, Tracks, View


def register_images(
    component: Component,
    outside: Sequence[int],
    views: Sequence[View],
    init: Initialization,
    config: BundleConfig | None,
) -> Component:
    """The component with as many of the views `outside` (by index among all) as can be resected, in rounds,
    as each gives new points to the next. Each round costs one bundle adjustment. Never smaller than it was,
    but for views that only a plane held and that nothing else confirms."""
    if config is None or not len(component.tracks.xyz):
        return component
    first, registration = component, config.registration
    unsure = planar_only_members(component, init, registration)
    unsure |= contradicted_members(component, init, registration)
    if unsure:
        component = readjust_without(component, unsure, views, init, config)
    waiting = set(outside) | unsure
    while waiting and (found := _resect_all(component, sorted(waiting), views, init, registration)):
        waiting -= set(found)
        extended = _extend(component, found, init, registration)
        larger, _ = refine_component(extended, views, init, config, later_adjustment)
        if not set(component.members) <= set(larger.members):
            break
        component = larger
    return _report_first_adjustment(first, component)


def adjust_to_convergence(
    component: Component, views: Sequence[View], init: Initialization, config: BundleConfig | None
) -> Component:
    """Which pays only once all views are in; as it was where that would lose a view, where no adjustment
    gained anything, or where there are so many observations that the last one's end will do."""
    outcome = component.adjustment
    if config is None or not outcome.kept:
        return component
    if outcome.settled and len(component.tracks.view_index) > config.enough_observations:
        return component
    last = readjust_without(component, (), views, init, config, final_adjustment)
    same = last.adjustment.kept and last.members == component.members
    return _report_first_adjustment(component, last) if same else component


def _report_first_adjustment(first: Component, last: Component) -> Component:
    """What the first adjustment gained is what the report is about."""
    before = first.adjustment
    outcome = replace(last.adjustment, text=before.text, error_before_px=before.error_before_px)
    return replace(last, adjustment=outcome)


@dataclass(frozen=True)
class _Resection:
    camera: Camera
    cam_from_world: Rigid


def _resect_all(
    component: Component,
    waiting: Sequence[int],
    views: Sequence[View],
    init: Initialization,
    config: RegistrationConfig,
) -> dict[int, _Resection]:
    observed = {m: observed_points(component.tracks, local) for local, m in enumerate(component.members)}
    out = {}
    for view in waiting:
        pixels, points = _scene_points(view, component, observed, init.correspondences)
        camera = _camera_of(view, component, views, init)
        found = _resect(pixels, points, camera, init.seed, config)
        if found is not None:
            out[view] = _Resection(camera, found)
    return out


def _scene_points(
    view: int,
    component: Component,
    observed: Mapping[int, ObservedPoints],
    correspondences: Mapping[Pair, Correspondences],
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 3"]]:
    """Pixels of the view and the points of the scene that its matches say are there, each pair once."""
    rows = [np.zeros((0, 3))]
    for member, seen in observed.items():
        known = correspondences.get(Pair(member, view))
        if known is None:
            swapped = correspondences.get(Pair(view, member))
            known = None if swapped is None else swapped.swap()
        if known is None:
            continue
        point = points_at(seen, known.pixels_i)
        hit = point >= 0
        rows.append(np.column_stack([known.pixels_j[hit].astype(np.float64), point[hit]]))
    distinct = np.unique(np.concatenate(rows), axis=0)
    return distinct[:, :2], component.tracks.xyz[distinct[:, 2].astype(np.int64)]


def _camera_of(view: int, component: Component, views: Sequence[View], init: Initialization) -> Camera:
    """As it is given; else with the focal of its camera group in the scene, or that of the evidence."""
    given = init.known.cameras[view]
    if given is not None:
        return given
    scale = view_scale(views[view])
    for local, member in enumerate(component.members):
        if init.groups[member] == init.groups[view]:
            known = component.cameras[local]
            focal = known.fx / view_scale(views[member]) * scale
            centre = principal_point(views[view])
            return reframe_camera(known, views[view].size, (focal, focal), (centre[0], centre[1]))
    return view_camera(views[view], float(np.exp(init.evidence.log_focal[init.groups[view]])) * scale)


def _resect(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: Camera,
    seed: int,
    config: RegistrationConfig,
) -> Rigid | None:
    if len(pixels) < config.min_inliers:
        return None
    found = resect(points, pixels, camera, config.max_error * max(camera.width, camera.height), seed)
    if found is None or found.inliers.sum() < max(config.min_inliers, config.min_inlier_ratio * len(pixels)):
        return None
    return found.cam_from_points


def _extend(
    component: Component,
    found: Mapping[int, _Resection],
    init: Initialization,
    config: RegistrationConfig,
) -> Component:
    """The component and the views found, with all pairs whose matches agree with their cameras."""
    cameras = dict(zip(component.members, component.cameras, strict=True))
    poses = dict(zip(component.members, component.cam_from_world, strict=True))
    for view, resection in found.items():
        given = init.known.cam_from_world[view]
        cameras[view] = resection.camera
        poses[view] = resection.cam_from_world if given is None else given
    members = tuple(sorted(poses))
    scales, residual_px = dict(component.scales), dict(component.residual_px)
    for pose in init.relative_poses:
        pair = pose.pair
        baseline = float(np.linalg.norm(pose.j_from_i[:3, 3]))
        inside = pair.i in poses and pair.j in poses and pair in init.correspondences
        if not inside or pair in scales or not pose.metric or baseline == 0:
            continue
        j_from_i = poses[pair.j] @ invert_rigid(poses[pair.i])
        if matches_fit_pose(init.correspondences[pair], cameras[pair.i], cameras[pair.j], j_from_i, config):
            scales[pair] = float(np.linalg.norm(j_from_i[:3, 3])) / baseline
            residual_px[pair] = pose.median_residual_px
    return replace(
        component,
        members=members,
        cameras=tuple(cameras[member] for member in members),
        cam_from_world=np.stack([poses[member] for member in members]),
        scales=scales,
        residual_px=residual_px,
        tracks=Tracks.empty(),
    )
