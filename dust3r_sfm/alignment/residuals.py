"""What a pair's points and matches should agree with, as residuals with analytic Jacobians.

A point Z = s X of edge e in camera i's frame is P = T_j T_i^-1 Z in camera j's. Increments are
T <- exp(xi) T with xi = (omega, v), and sums on logs. Parameters of an edge, in order: xi_i (6),
xi_j (6), log f_i, log f_j, mu_i, mu_j, log s, where mu is the log depth scale of a view.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FOCAL_I, FOCAL_J, DEPTH_I, DEPTH_J, SCALE = 12, 13, 14, 15, 16
EDGE_PARAMETERS = 17
BEHIND_PX = 1e4
"""Residual of a match behind the camera, with no gradient."""


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
    depth_scale_j: Float[np.ndarray, " e"]


def _behind(
    pixels: Float[np.ndarray, "e m 2"],
    depth: Float[np.ndarray, "e m"],
    focal: Float[np.ndarray, " e"],
    centre: Float[np.ndarray, "e 2"],
) -> Float[np.ndarray, "e m 3"]:
    rays = (pixels - centre[:, None]) / focal[:, None, None]
    return np.concatenate([rays * depth[..., None], depth[..., None]], axis=-1)


def _pose_jacobian(
    by_seen: Float[np.ndarray, "e m k 3"],
    cameras: EdgeCameras,
    points: Float[np.ndarray, "e m 3"],
    seen: Float[np.ndarray, "e m 3"],
) -> Float[np.ndarray, "e m k 17"]:
    """Columns of both poses, for residuals whose derivative by P is `by_seen`; the rest is 0."""
    by_point = by_seen @ cameras.rotation[:, None]
    out = np.zeros((*by_seen.shape[:3], EDGE_PARAMETERS))
    out[..., 0:3] = np.cross(by_point, points[..., None, :])
    out[..., 3:6] = -by_point
    out[..., 6:9] = np.cross(seen[..., None, :], by_seen)
    out[..., 9:12] = by_seen
    return out


def match_residuals(
    cameras: EdgeCameras,
    pixels_i: Float[np.ndarray, "e m 2"],
    depth_i: Float[np.ndarray, "e m"],
    pixels_j: Float[np.ndarray, "e m 2"],
) -> tuple[Float[np.ndarray, "e m 2"], Float[np.ndarray, "e m 2 17"]]:
    """Reprojection error in pixels of j of the pixels of i, at the pair's own depths along rays of the
    current focal."""
    points = _behind(pixels_i, cameras.scale[:, None] * depth_i, cameras.focal_i, cameras.centre_i)
    seen = points @ np.swapaxes(cameras.rotation, -1, -2) + cameras.translation[:, None]
    front = seen[..., 2] > 1e-6
    inverse = np.where(front, 1.0 / np.where(front, seen[..., 2], 1.0), 0.0)
    scaled = cameras.focal_j[:, None] * inverse
    offset = scaled[..., None] * seen[..., :2]
    residual = np.where(front[..., None], offset + cameras.centre_j[:, None] - pixels_j, BEHIND_PX)
    by_seen = np.zeros((*seen.shape[:2], 2, 3))
    by_seen[..., 0, 0] = by_seen[..., 1, 1] = scaled
    by_seen[..., 2] = -offset * inverse[..., None]
    out = _pose_jacobian(by_seen, cameras, points, seen)
    by_point = by_seen @ cameras.rotation[:, None]
    out[..., FOCAL_I] = -(by_point[..., :2] @ points[..., :2, None])[..., 0]
    out[..., FOCAL_J] = offset
    out[..., SCALE] = (by_point @ points[..., None])[..., 0]
    return residual, out


def point_residuals(
    cameras: EdgeCameras,
    points: Float[np.ndarray, "e m 3"],
    pixels_j: Float[np.ndarray, "e m 2"],
    depth_j: Float[np.ndarray, "e m"],
    frames: Float[np.ndarray, "e m 3 3"],
) -> tuple[Float[np.ndarray, "e m 3"], Float[np.ndarray, "e m 3 17"]]:
    """(P - Y) / s in the rows of `frames`: P is the pair's own point X in camera j, Y the point at the
    view's consensus depth e^mu D on the ray of its pixel.

    Residuals against a (nearly) noise-free Y in a fixed frame have no bias from the noise of X, which
    reprojections of X have: their Jacobians share its noise. Dividing by s keeps scales from shrinking to
    please the noise.
    """
    scaled = cameras.scale[:, None, None] * points
    seen = scaled @ np.swapaxes(cameras.rotation, -1, -2) + cameras.translation[:, None]
    target = _behind(pixels_j, cameras.depth_scale_j[:, None] * depth_j, cameras.focal_j, cameras.centre_j)
    by_seen = frames / cameras.scale[:, None, None, None]
    residual = (by_seen @ (seen - target)[..., None])[..., 0]
    out = _pose_jacobian(by_seen, cameras, scaled, seen)
    out[..., FOCAL_J] = (by_seen[..., :2] @ target[..., :2, None])[..., 0]
    out[..., DEPTH_J] = -(by_seen @ target[..., None])[..., 0]
    out[..., SCALE] = (by_seen @ (target - cameras.translation[:, None])[..., None])[..., 0]
    return residual, out
