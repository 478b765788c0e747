"""Reprojection residuals of a pair's points in its second view, with analytic Jacobians.

A point Z = s X of edge e in camera i's frame lands in view j at u = pi(K_j, T_j T_i^-1 Z). Increments
are T <- exp(xi) T with xi = (omega, v), log focals and log scales. Parameters of an edge, in order:
xi_i (6), xi_j (6), log f_i, log f_j, mu_i, mu_j, log s (mu: log depths of the views, see refinement).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

XI_I, XI_J, FOCAL_I, FOCAL_J, DEPTH_I, DEPTH_J, SCALE = slice(0, 6), slice(6, 12), 12, 13, 14, 15, 16
EDGE_PARAMETERS = 17
BEHIND_PX = 1e4
"""Residual of a point behind the camera, with no gradient."""


@dataclass(frozen=True)
class EdgeCameras:
    """What an edge's residuals depend on, one row an edge; the relative pose in world units."""

    rotation: Float[np.ndarray, "e 3 3"]
    translation: Float[np.ndarray, "e 3"]
    focal_i: Float[np.ndarray, " e"]
    focal_j: Float[np.ndarray, " e"]
    centre_i: Float[np.ndarray, "e 2"]
    centre_j: Float[np.ndarray, "e 2"]
    scale: Float[np.ndarray, " e"]


def backproject(
    cameras: EdgeCameras, pixels: Float[np.ndarray, "e m 2"], depth: Float[np.ndarray, "e m"]
) -> Float[np.ndarray, "e m 3"]:
    """s X of pixels of view i at depths in the edge's own scale, along rays of the current focal."""
    rays = (pixels - cameras.centre_i[:, None]) / cameras.focal_i[:, None, None]
    z = cameras.scale[:, None] * depth
    return np.concatenate([rays * z[..., None], z[..., None]], axis=-1)


def reproject(
    cameras: EdgeCameras, points: Float[np.ndarray, "e m 3"], observed: Float[np.ndarray, "e m 2"]
) -> tuple[Float[np.ndarray, "e m 2"], Float[np.ndarray, "e m 3"]]:
    """Residuals in pixels of j, and the points in camera j's frame, with z = inf for those behind."""
    seen = points @ np.swapaxes(cameras.rotation, -1, -2) + cameras.translation[:, None]
    front = seen[..., 2] > 1e-6
    z = np.where(front, seen[..., 2], np.inf)
    residual = seen[..., :2] / z[..., None] * cameras.focal_j[:, None, None] + cameras.centre_j[:, None]
    residual = np.where(front[..., None], residual - observed, BEHIND_PX)
    return residual, np.concatenate([seen[..., :2], z[..., None]], axis=-1)


def reprojection_jacobian(
    cameras: EdgeCameras,
    points: Float[np.ndarray, "e m 3"],
    seen: Float[np.ndarray, "e m 3"],
    rays_follow_focal: bool,
) -> Float[np.ndarray, "e m 2 17"]:
    """Derivative of the residuals of `reproject`. `rays_follow_focal`: the points came from
    `backproject`, so they move with the focal of i."""
    inverse = 1.0 / seen[..., 2]
    front = np.isfinite(seen[..., 2])
    scaled = cameras.focal_j[:, None] * inverse
    by_seen = np.zeros((*seen.shape[:2], 2, 3))
    by_seen[..., 0, 0] = by_seen[..., 1, 1] = scaled
    by_seen[..., 0, 2] = -scaled * seen[..., 0] * inverse
    by_seen[..., 1, 2] = -scaled * seen[..., 1] * inverse
    by_point = by_seen @ cameras.rotation[:, None]
    camera_points = np.where(front[..., None], seen, 0.0)[..., None, :]
    out = np.zeros((*seen.shape[:2], 2, EDGE_PARAMETERS))
    out[..., 0:3] = np.cross(by_point, points[..., None, :])
    out[..., 3:6] = -by_point
    out[..., 6:9] = np.cross(camera_points, by_seen)
    out[..., 9:12] = by_seen
    out[..., FOCAL_J] = scaled[..., None] * camera_points[..., 0, :2]
    out[..., SCALE] = (by_point @ points[..., None])[..., 0]
    if rays_follow_focal:
        out[..., FOCAL_I] = -(by_point[..., :2] @ points[..., :2, None])[..., 0]
    return out
