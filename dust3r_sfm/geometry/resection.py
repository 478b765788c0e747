"""The pose of a camera from points whose place is known, and the focal too where it is not."""

from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Bool, Float

from dust3r_sfm.geometry.cameras import undistort_camera
from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.geometry.colmap.options import absolute_pose_options
from dust3r_sfm.geometry.projection import undistort_pixels
from dust3r_sfm.types import Camera, Rigid


@dataclass(frozen=True)
class Effort:
    """How long a pose is searched. By default as thoroughly as pycolmap does."""

    trials: tuple[int, int] = (100, 10_000)
    """Fewest and most of RANSAC."""
    iterations: int = 100
    """Of the refinement on all inliers, at most."""


@dataclass(frozen=True)
class Resection:
    """`cam_from_points` takes the points to the camera's frame. `inliers`: which of them say so."""

    cam_from_points: Rigid
    inliers: Bool[np.ndarray, " n"]


def resect(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    camera: Camera,
    max_error_px: float,
    seed: int,
    effort: Effort | None = None,
) -> Resection | None:
    """By LO-RANSAC on minimal sets and robust refinement (pycolmap); None if no pose was found. `pixels`
    are continuous and as the camera's lens shows them. `effort` None: `Effort()`."""
    effort = effort or Effort()
    refinement = pycolmap.AbsolutePoseRefinementOptions()
    refinement.max_num_iterations = effort.iterations
    found = pycolmap.estimate_and_refine_absolute_pose(
        undistort_pixels(pixels, camera),
        points,
        pycolmap_camera(undistort_camera(camera)),
        absolute_pose_options(max_error_px, seed, max(effort.trials), min_trials=min(effort.trials)),
        refinement,
    )
    if found is None:
        return None
    matrix = np.vstack([found["cam_from_world"].matrix(), [0.0, 0.0, 0.0, 1.0]])
    return Resection(matrix, np.asarray(found["inlier_mask"], dtype=bool))


def focal_by_resection(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    camera: Camera,
    seed: int,
    max_error: float = 0.02,
) -> float | None:
    """Focal (pixels of `camera`) of an uncalibrated pinhole from 3D points; None if no pose was found.
    `camera` gives the size and principal point, and the focal that is tried first. `max_error`: of an inlier,
    over the long edge."""
    max_error_px, trials = max_error * max(camera.width, camera.height), Effort().trials
    options = absolute_pose_options(max_error_px, seed, max(trials), min_trials=min(trials), solve_focal=True)
    refinement = pycolmap.AbsolutePoseRefinementOptions()
    refinement.refine_focal_length = True
    size, params = (camera.width, camera.height), (camera.fx, camera.cx, camera.cy)
    unknown = pycolmap_camera(Camera("SIMPLE_PINHOLE", *size, params))
    found = pycolmap.estimate_and_refine_absolute_pose(pixels, points, unknown, options, refinement)
    return None if found is None else float(unknown.params[0])
