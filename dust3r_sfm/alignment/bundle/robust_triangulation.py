"""Points whose observations agree with the cameras, triangulated without those that do not."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.adjustment import Bundle
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.tracks import Observations, compact
from dust3r_sfm.alignment.bundle.triangulation import (
    rays,
    reprojection_errors,
    triangulate,
    widest_angles_deg,
)


@dataclass(frozen=True)
class TriangulatedPoints:
    """Points and the observations that agree with them, and the mean bounded error of ALL of them, and the
    median."""

    observations: Observations
    xyz: Float[np.ndarray, "p 3"]
    robust_error_px: float
    median_error_px: float


def triangulate_robustly(
    bundle: Bundle,
    observations: Observations,
    max_error_px: Float[np.ndarray, " n"],
    config: BundleConfig,
) -> TriangulatedPoints:
    """Triangulates, drops what disagrees, and triangulates what is left. `max_error_px` of each view."""
    cameras = bundle.view_cameras()
    seen = rays(observations, cameras, bundle.cam_from_world)
    bounds_px = max_error_px[observations.view_index]
    xyz = triangulate(observations, seen, config.loss_share * bounds_px, config.reweightings)
    errors = reprojection_errors(observations, seen, xyz)
    robust_error = float(np.minimum(errors, bounds_px).mean()) if len(errors) else np.inf
    median_error = float(np.median(errors)) if len(errors) else np.inf
    for _ in range(2):
        wide = widest_angles_deg(observations, seen, observations.num_points) >= config.min_angle_deg
        keep = (errors <= bounds_px) & wide[observations.point_index]
        left = np.bincount(observations.point_index[keep], minlength=len(xyz)) >= 2
        observations = compact(observations.point_index, observations.view_index, observations.pixels, keep)
        if not len(observations.point_index):
            return TriangulatedPoints(observations, np.zeros((0, 3)), robust_error, median_error)
        seen = rays(observations, cameras, bundle.cam_from_world)
        bounds_px = max_error_px[observations.view_index]
        xyz = triangulate(
            observations, seen, config.loss_share * bounds_px, config.further_reweightings, xyz[left]
        )
        errors = reprojection_errors(observations, seen, xyz)
    return TriangulatedPoints(observations, xyz, robust_error, median_error)
