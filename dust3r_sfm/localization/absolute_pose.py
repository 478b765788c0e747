"""A photo's pose out of matches with 3D points, and how sure it is."""

from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Bool, Float

from dust3r_sfm.geometry import rigid, transform_points
from dust3r_sfm.geometry.cameras import replace_focals
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap, pycolmap_camera
from dust3r_sfm.geometry.colmap.options import absolute_pose_options
from dust3r_sfm.geometry.projection import pixel_errors, project
from dust3r_sfm.localization.config import LocalizationConfig
from dust3r_sfm.types import Camera, Rigid

_STEP = 1e-6
"""Of numerical derivatives: radians, and shares of the median distance of the points."""


@dataclass(frozen=True)
class SolvedPose:
    """`inliers`: which of the matches reproject within the error that is allowed, `errors_px` by how much
    each is off (infinite where the point is not seen)."""

    cam_from_world: Rigid
    camera: Camera
    inliers: Bool[np.ndarray, " n"]
    errors_px: Float[np.ndarray, " n"]

    @property
    def num_inliers(self) -> int:
        return int(self.inliers.sum())


def solve_pose(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: Camera,
    refine_focal: bool,
    config: LocalizationConfig,
) -> SolvedPose | None:
    """LO-RANSAC on minimal sets of three, then robust refinement, both by pycolmap, through the camera's
    lens. With `refine_focal` its focal is only a start. None where no three points agree with others."""
    found = _by_ransac(pixels, points, camera, False, config.pose.max_trials, config)
    return None if found is None else _refine(pixels, points, found, refine_focal, config)


def solve_pose_and_focal(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    size: tuple[int, int],
    config: LocalizationConfig,
    like: Camera | None = None,
) -> SolvedPose | None:
    """The same for a pinhole of unknown focal with its principal point in the middle. RANSAC solves for the
    focal on minimal sets, and is also run for focals from very wide to long lenses, as a set of four points
    at nearly one depth says little of it; of the best of these, refined, and of a camera `like` which this
    one may be but for its focal, the one with least robust error."""
    width, height = size
    cameras = [
        Camera("SIMPLE_PINHOLE", width, height, (share * max(size), width / 2, height / 2))
        for share in config.pose.focal_shares
    ]
    starts = [_by_ransac(pixels, points, cameras[0], True, config.pose.max_trials, config)]
    trials = config.pose.trials_a_focal
    starts += [_by_ransac(pixels, points, camera, False, trials, config) for camera in cameras]
    found = sorted((start for start in starts if start is not None), key=lambda one: _cost(one, config))
    best = found[: config.pose.refined_starts]
    refined = [_refine(pixels, points, start, True, config) for start in best]
    if like is not None:
        refined.append(solve_pose(pixels, points, like, True, config))
    usable = [one for one in refined if one is not None]
    return min(usable, key=lambda one: _cost(one, config)) if usable else None


def _by_ransac(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: Camera,
    solve_focal: bool,
    max_trials: int,
    config: LocalizationConfig,
) -> SolvedPose | None:
    if len(pixels) < 4:
        return None
    options = absolute_pose_options(
        config.max_error * max(camera.width, camera.height),
        config.seed,
        max_trials,
        min_inlier_ratio=config.min_inlier_ratio,
        solve_focal=solve_focal,
    )
    lens = pycolmap_camera(camera)
    found = pycolmap.estimate_absolute_pose(pixels, points, lens, options)
    if found is None:
        return None
    return _solved_from_pose(pixels, points, found["cam_from_world"], lens, config)


def _refine(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    start: SolvedPose,
    refine_focal: bool,
    config: LocalizationConfig,
) -> SolvedPose | None:
    """Least squares under a Cauchy loss of the inliers' own size, over all that is not far beyond it: how
    precise the reference is, and so which matches help, is not known beforehand."""
    found, settings = start, config.pose
    for _ in range(settings.refinements):
        if found.num_inliers < 4:
            return None
        usual_px = max(float(np.median(found.errors_px[found.inliers])), settings.min_error_px)
        options = pycolmap.AbsolutePoseRefinementOptions()
        options.refine_focal_length = refine_focal
        options.loss_function_scale = settings.loss * usual_px
        options.gradient_tolerance = settings.gradient_tolerance
        pose = pycolmap.Rigid3d(found.cam_from_world[:3])
        lens = pycolmap_camera(found.camera)
        near = found.errors_px <= settings.reach * usual_px
        refined = pycolmap.refine_absolute_pose(pose, pixels, points, near, lens, options)
        if refined is None or lens.has_bogus_params(*settings.plausible_focals, settings.max_lens_parameter):
            return None
        found = _solved_from_pose(pixels, points, refined["cam_from_world"], lens, config)
    return found


def _solved_from_pose(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    pose: pycolmap.Rigid3d,
    lens: pycolmap.Camera,
    config: LocalizationConfig,
) -> SolvedPose:
    matrix = pose.matrix()
    cam_from_world = rigid(matrix[:, :3], matrix[:, 3])
    camera = camera_from_pycolmap(lens)
    errors_px = reprojection_errors(pixels, points, cam_from_world, camera)
    return SolvedPose(
        cam_from_world, camera, errors_px <= config.max_error * max(lens.width, lens.height), errors_px
    )


def _cost(found: SolvedPose, config: LocalizationConfig) -> float:
    """Robust error of all matches, the same scale for whatever is compared."""
    long_edge = max(found.camera.width, found.camera.height)
    scale = config.max_error * long_edge * config.pose.cost_scale
    return float(np.log1p((np.minimum(found.errors_px / scale, config.pose.cost_cutoff)) ** 2).sum())


def reprojection_errors(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    cam_from_world: Rigid,
    camera: Camera,
) -> Float[np.ndarray, " n"]:
    """Pixels of the stored file; infinite where a point is not seen."""
    return pixel_errors(project(transform_points(cam_from_world, points), camera), pixels)


def pose_covariance(
    points: Float[np.ndarray, "n 3"],
    errors_px: Float[np.ndarray, " n"],
    cam_from_world: Rigid,
    camera: Camera,
    focal_known: bool,
) -> Float[np.ndarray, "6 6"]:
    """Of a small turn in camera axes and of the camera's centre in the world, by linear propagation of
    independent errors of the inliers' size (of median `errors_px`, taken as normal in x and y). A focal
    that is not known adds its own uncertainty. Infinite where the points do not fix the pose."""
    in_camera = transform_points(cam_from_world, points)
    to_world = cam_from_world[:3, :3].T
    columns = [-np.cross(axis, in_camera) for axis in np.eye(3)]
    columns += [np.broadcast_to(-to_world[axis], in_camera.shape) for axis in range(3)]
    scales = [_STEP] * 3 + [_STEP * float(np.median(in_camera[:, 2]))] * 3
    jacobian = [
        _derivative(in_camera, move, step, camera) for move, step in zip(columns, scales, strict=True)
    ]
    if not focal_known:
        jacobian.append(_focal_derivative(in_camera, camera))
    stacked = np.stack(jacobian, axis=-1).reshape(-1, len(jacobian))
    stacked = stacked[np.isfinite(stacked).all(axis=1)]
    # The median of a Rayleigh variable is 1.1774 times the spread of each coordinate.
    variance = (float(np.median(errors_px)) / 1.1774) ** 2
    try:
        return variance * np.linalg.inv(stacked.T @ stacked)[:6, :6]
    except np.linalg.LinAlgError:
        return np.full((6, 6), np.inf)


def _derivative(
    in_camera: Float[np.ndarray, "n 3"],
    move: Float[np.ndarray, "n 3"],
    step: float,
    camera: Camera,
) -> Float[np.ndarray, "n 2"]:
    """Of the pixels, when the points go along `move`."""
    ahead, behind = (project(in_camera + sign * step * move, camera) for sign in (1, -1))
    return (ahead - behind) / (2 * step)


def _focal_derivative(in_camera: Float[np.ndarray, "n 3"], camera: Camera) -> Float[np.ndarray, "n 2"]:
    """Of the pixels, when all focals grow by a share."""
    fx, fy = camera.focals
    larger, smaller = (replace_focals(camera, share * fx, share * fy) for share in (1 + _STEP, 1 - _STEP))
    return (project(in_camera, larger) - project(in_camera, smaller)) / (2 * _STEP)
