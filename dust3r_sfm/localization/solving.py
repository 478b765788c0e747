"""A photo's pose out of matches with 3D points, and how sure it is."""

from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Bool, Float

from dust3r_sfm.geometry import rigid, transform_points
from dust3r_sfm.geometry.lens import projected, pycolmap_lens
from dust3r_sfm.localization.config import LocalizationConfig
from dust3r_sfm.types import LensCamera, Rigid

_STEP = 1e-6
"""Of numerical derivatives: radians, and shares of the median distance of the points."""


@dataclass(frozen=True)
class Solved:
    """`inliers`: which of the matches reproject within the error that is allowed, `errors_px` by how much
    each is off (infinite where the point is not seen)."""

    cam_from_world: Rigid
    camera: LensCamera
    inliers: Bool[np.ndarray, " n"]
    errors_px: Float[np.ndarray, " n"]

    @property
    def num_inliers(self) -> int:
        return int(self.inliers.sum())


def solved_pose(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: LensCamera,
    refine_focal: bool,
    config: LocalizationConfig,
) -> Solved | None:
    """LO-RANSAC on minimal sets of three, then robust refinement, both by pycolmap, through the camera's
    lens. With `refine_focal` its focal is only a start. None where no three points agree with others."""
    return _solved(pixels, points, camera, False, refine_focal, config)


def solved_pose_and_focal(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    size: tuple[int, int],
    config: LocalizationConfig,
) -> Solved | None:
    """The same for a pinhole of unknown focal with its principal point in the middle: RANSAC solves for the
    focal too."""
    width, height = size
    camera = LensCamera("SIMPLE_PINHOLE", width, height, (1.2 * max(size), width / 2, height / 2))
    return _solved(pixels, points, camera, True, True, config)


def _solved(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: LensCamera,
    solve_focal: bool,
    refine_focal: bool,
    config: LocalizationConfig,
) -> Solved | None:
    if len(pixels) < 4:
        return None
    long_edge = max(camera.width, camera.height)
    estimation = pycolmap.AbsolutePoseEstimationOptions()
    estimation.estimate_focal_length = solve_focal
    estimation.ransac.max_error = config.max_error * long_edge
    estimation.ransac.random_seed = config.seed
    estimation.ransac.max_num_trials = config.max_trials
    refinement = pycolmap.AbsolutePoseRefinementOptions()
    refinement.refine_focal_length = refine_focal
    refinement.loss_function_scale = config.loss * long_edge
    lens = pycolmap_lens(camera)
    found = pycolmap.estimate_and_refine_absolute_pose(pixels, points, lens, estimation, refinement)
    if found is None or lens.has_bogus_params(0.05, 50.0, 10.0):
        return None
    pose = found["cam_from_world"].matrix()
    cam_from_world = rigid(pose[:, :3], pose[:, 3])
    solved = LensCamera(camera.model, camera.width, camera.height, tuple(float(x) for x in lens.params))
    errors_px = reprojection_errors(pixels, points, cam_from_world, solved)
    return Solved(cam_from_world, solved, errors_px <= config.max_error * long_edge, errors_px)


def reprojection_errors(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    cam_from_world: Rigid,
    camera: LensCamera,
) -> Float[np.ndarray, " n"]:
    """Pixels of the stored file; infinite where a point is not seen."""
    apart = np.linalg.norm(projected(transform_points(cam_from_world, points), camera) - pixels, axis=1)
    return np.where(np.isnan(apart), np.inf, apart)


def pose_covariance(
    points: Float[np.ndarray, "n 3"],
    errors_px: Float[np.ndarray, " n"],
    cam_from_world: Rigid,
    camera: LensCamera,
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
    camera: LensCamera,
) -> Float[np.ndarray, "n 2"]:
    """Of the pixels, when the points go along `move`."""
    ahead, behind = (projected(in_camera + sign * step * move, camera) for sign in (1, -1))
    return (ahead - behind) / (2 * step)


def _focal_derivative(in_camera: Float[np.ndarray, "n 3"], camera: LensCamera) -> Float[np.ndarray, "n 2"]:
    """Of the pixels, when all focals grow by a share."""
    pixels = []
    for sign in (1, -1):
        lens = pycolmap_lens(camera)
        params = np.array(camera.params)
        params[list(lens.focal_length_idxs())] *= 1 + sign * _STEP
        pixels.append(
            projected(in_camera, LensCamera(camera.model, camera.width, camera.height, tuple(params)))
        )
    return (pixels[0] - pixels[1]) / (2 * _STEP)
