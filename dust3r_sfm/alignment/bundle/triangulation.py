"""Where the points of tracks lie, and how far from where they are seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.alignment.bundle.tracks import Observations
from dust3r_sfm.geometry import invert_rigid, unproject
from dust3r_sfm.geometry.projection import intrinsics_of, pixel_errors, project_each
from dust3r_sfm.types import Camera


@dataclass(frozen=True)
class Rays:
    """Where each observation is seen from, in world units, with its camera's `intrinsics_of`."""

    centres: Float[np.ndarray, "o 3"]
    directions: Float[np.ndarray, "o 3"]
    cam_from_world: Float[np.ndarray, "o 4 4"]
    intrinsics: Float[np.ndarray, "o 5"]


def rays(
    observations: Observations, cameras: Sequence[Camera], cam_from_world: Float[np.ndarray, "n 4 4"]
) -> Rays:
    """Unit directions in the world."""
    local = np.ones((len(observations.pixels), 3))
    by_view = np.argsort(observations.view_index, kind="stable")
    ends = np.searchsorted(observations.view_index[by_view], np.arange(1, len(cameras)))
    for camera, rows in zip(cameras, np.split(by_view, ends), strict=True):
        local[rows] = unproject(observations.pixels[rows], local[rows, 2], camera)
    world_from_cam = invert_rigid(cam_from_world)[observations.view_index]
    directions = (world_from_cam[:, :3, :3] @ local[..., None])[..., 0]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Rays(
        world_from_cam[:, :3, 3],
        directions,
        cam_from_world[observations.view_index],
        intrinsics_of(cameras)[observations.view_index],
    )


def reprojection_errors(
    observations: Observations, seen: Rays, xyz: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, " o"]:
    """Pixels between each observation and its point; infinite behind the camera."""
    points = xyz[observations.point_index]
    local = (seen.cam_from_world[:, :3, :3] @ points[..., None])[..., 0] + seen.cam_from_world[:, :3, 3]
    local[local[:, 2] <= 1e-9] = np.nan
    return pixel_errors(project_each(local, seen.intrinsics), observations.pixels)


def triangulate(
    observations: Observations,
    seen: Rays,
    scale_px: Float[np.ndarray, " o"],
    reweightings: int,
    start: Float[np.ndarray, "p 3"] | None = None,
) -> Float[np.ndarray, "p 3"]:
    """Each point by least squares on the distance to its rays, reweighted to reprojection errors with a
    Cauchy loss of `scale_px` of each observation, so that one wrong observation of three is outvoted.
    `start`: about where the points are; without, the first of the `reweightings` is from nothing."""
    count, index = observations.num_points, observations.point_index
    xyz = _nearest_points(index, seen, np.ones(len(index)), count) if start is None else start
    for _ in range(reweightings - (start is None)):
        errors = reprojection_errors(observations, seen, xyz)
        distance = np.linalg.norm(xyz[index] - seen.centres, axis=1)
        robust = 1.0 / (1.0 + np.minimum(errors / scale_px, 1e3) ** 2)
        weights = robust * (seen.intrinsics[:, 0] / np.maximum(distance, 1e-9)) ** 2
        xyz = _nearest_points(index, seen, weights, count)
    return xyz


def _nearest_points(
    point_index: Int[np.ndarray, " o"], seen: Rays, weights: Float[np.ndarray, " o"], count: int
) -> Float[np.ndarray, "p 3"]:
    """Weighted least squares of the distances to lines; where the lines are parallel, near the centres."""
    across = np.eye(3) - seen.directions[:, :, None] * seen.directions[:, None, :]
    across *= weights[:, None, None]
    target = (across @ seen.centres[..., None])[..., 0]
    starts = np.searchsorted(point_index, np.arange(count))
    normal = np.add.reduceat(across, starts, axis=0) if count else np.zeros((0, 3, 3))
    right = np.add.reduceat(target, starts, axis=0) if count else np.zeros((0, 3))
    normal += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    return np.linalg.solve(normal, right[..., None])[..., 0]


def widest_angles_deg(observations: Observations, seen: Rays, count: int) -> Float[np.ndarray, " p"]:
    """For each point about the widest angle between two of its rays: twice the widest from their mean."""
    starts = np.searchsorted(observations.point_index, np.arange(count))
    mean = np.add.reduceat(seen.directions, starts, axis=0)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    cosine = (seen.directions * mean[observations.point_index]).sum(axis=1)
    return 2.0 * np.degrees(np.arccos(np.clip(np.minimum.reduceat(cosine, starts), -1.0, 1.0)))
