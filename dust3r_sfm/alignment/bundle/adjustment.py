"""Bundle adjustment of cameras, poses and points by pycolmap."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.tracks import Observations
from dust3r_sfm.geometry.cameras import radial_coefficient, replace_focals
from dust3r_sfm.geometry.colmap.models import add_camera, add_image, track_of
from dust3r_sfm.geometry.colmap.options import bundle_options
from dust3r_sfm.types import Camera


@dataclass(frozen=True)
class Bundle:
    """Everything bundle adjustment moves, but for `held_cameras` and the poses of `held_views`.
    `camera_of_view` says which views share a camera. `settled`: it comes of an adjustment that left the
    focals about where they were."""

    cameras: tuple[Camera, ...]
    camera_of_view: tuple[int, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    xyz: Float[np.ndarray, "p 3"]
    held_cameras: frozenset[int] = frozenset()
    held_views: frozenset[int] = frozenset()
    settled: bool = False

    @property
    def bends(self) -> bool:
        """Whether a camera that is not held has a lens."""
        return any(
            not camera.is_pinhole for k, camera in enumerate(self.cameras) if k not in self.held_cameras
        )

    def view_cameras(self) -> list[Camera]:
        return [self.cameras[camera] for camera in self.camera_of_view]


@dataclass(frozen=True)
class AdjustmentSettings:
    """One adjustment."""

    loss_px: float
    """Scale of the Cauchy loss."""
    tolerance: float
    """It stops when a step lowers the cost by less than this share."""
    fix_focals: bool = False
    distortion: bool = False
    """Whether k1 moves too."""


def adjust_bundle(
    bundle: Bundle, observations: Observations, settings: AdjustmentSettings, bounds: BundleConfig
) -> Bundle:
    """Minimises reprojection errors under a Cauchy loss over poses, points and one focal a camera.
    The gauge is held by two views, of them those that are held anyway. `bounds`: of its steps, and what is
    said of the focals."""
    model = model_from_bundle(bundle, observations)
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in sorted(model.images):
        if model.images[image_id].num_points3D:
            config.add_image(image_id)
    for camera in sorted({bundle.camera_of_view[k - 1] for k in config.images} & bundle.held_cameras):
        config.set_constant_cam_intrinsics(camera + 1)
    for view in sorted(bundle.held_views & {k - 1 for k in config.images}):
        config.set_constant_rig_from_world_pose(model.images[view + 1].frame_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    options = bundle_options(settings.loss_px, most_steps(len(observations.view_index), bounds))
    options.refine_focal_length = not settings.fix_focals
    options.refine_extra_params = settings.distortion
    options.ceres.solver_options.function_tolerance = settings.tolerance
    pycolmap.create_default_bundle_adjuster(options, config, model).solve()
    moved = _bundle_from_model(bundle, model)
    return replace(moved, settled=_focal_change(bundle, moved) < bounds.focal_at_rest)


def most_steps(num_observations: int, config: BundleConfig) -> int:
    affordable = config.most_step_observations // max(num_observations, 1)
    return max(config.least_steps, min(config.most_steps, affordable))


def _focal_change(before: Bundle, after: Bundle) -> float:
    """The largest of the logarithm."""
    focals = np.array([[a.fx, b.fx] for a, b in zip(before.cameras, after.cameras, strict=True)])
    return float(np.abs(np.log(focals[:, 1] / focals[:, 0])).max())


def model_from_bundle(bundle: Bundle, observations: Observations) -> pycolmap.Reconstruction:
    """View k is image k + 1, camera k is camera k + 1, point k is whatever id pycolmap gives, in order."""
    model = pycolmap.Reconstruction()
    for index, camera in enumerate(bundle.cameras):
        # Only a camera that is held may have pixels that are not square.
        held = index in bundle.held_cameras
        add_camera(model, index + 1, camera if held else _square_camera(camera))
    rank = np.zeros(len(observations.view_index), dtype=np.int64)
    for view, camera_index in enumerate(bundle.camera_of_view):
        rows = np.flatnonzero(observations.view_index == view)
        rank[rows] = np.arange(len(rows))
        pixels, pose = observations.pixels[rows], bundle.cam_from_world[view]
        add_image(model, view + 1, camera_index + 1, str(view), pixels, pose)
    _add_points(model, bundle.xyz, observations, rank)
    return model


def _add_points(
    model: pycolmap.Reconstruction,
    xyz: Float[np.ndarray, "p 3"],
    observations: Observations,
    rank: np.ndarray,
) -> None:
    ends = np.searchsorted(observations.point_index, np.arange(len(xyz)), side="right")
    seen = list(zip((observations.view_index + 1).tolist(), rank.tolist(), strict=True))
    start = 0
    for position, end in zip(xyz, ends.tolist(), strict=True):
        model.add_point3D(position, track_of(seen[start:end]), np.zeros(3, dtype=np.uint8))
        start = end


def _bundle_from_model(bundle: Bundle, model: pycolmap.Reconstruction) -> Bundle:
    cameras = tuple(
        camera if k in bundle.held_cameras else _moved_camera(camera, model.cameras[k + 1].params)
        for k, camera in enumerate(bundle.cameras)
    )
    poses = bundle.cam_from_world.copy()
    for view in sorted(set(range(len(poses))) - bundle.held_views):
        poses[view, :3] = model.images[view + 1].cam_from_world().matrix()
    xyz = np.array([model.points3D[key].xyz for key in sorted(model.points3D)]).reshape(-1, 3)
    return replace(bundle, cameras=cameras, cam_from_world=poses, xyz=xyz)


def _square_camera(camera: Camera) -> Camera:
    """With one focal and one radial coefficient: what adjustment moves."""
    k1 = radial_coefficient(camera)
    assert k1 is not None, f"adjustment moves no {camera.model} lens"
    return Camera("SIMPLE_RADIAL", camera.width, camera.height, (camera.fx, *camera.principal_point, k1))


def _moved_camera(camera: Camera, params: Float[np.ndarray, "4"]) -> Camera:
    focal, _, _, k1 = params
    return Camera.radial(camera.width, camera.height, focal, focal, *camera.principal_point, k1)


def share_cameras(
    cameras: Sequence[Camera], groups: Sequence[int], held: Sequence[bool]
) -> tuple[tuple[Camera, ...], tuple[int, ...]]:
    """One camera for all views of a group and size, with their mean focal; and each view's camera. Those
    that are `held` are shared only with like ones."""
    rows = zip(cameras, groups, held, strict=True)
    keys = [(group, camera.width, camera.height, camera if fixed else None) for camera, group, fixed in rows]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    shared = []
    for key in numbers:
        members = [camera for camera, other in zip(cameras, keys, strict=True) if other == key]
        if key[3] is not None:
            shared.append(key[3])
            continue
        focal = float(np.exp(np.mean([np.log(camera.fx * camera.fy) / 2 for camera in members])))
        shared.append(replace_focals(members[0], focal, focal))
    return tuple(shared), tuple(numbers[key] for key in keys)
