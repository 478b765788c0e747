"""Registration of corresponding 3D points by a similarity transform.

Closed form: S. Umeyama, "Least-squares estimation of transformation parameters between two point
patterns", PAMI 1991, here with weights.
"""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.transforms import rigid, transform_points


def umeyama(
    points_a: Float[np.ndarray, "n 3"],
    points_b: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"],
    with_scale: bool = True,
) -> Float[np.ndarray, "4 4"]:
    """b_from_a, [sR t; 0 1], minimising the sum of w |b - s R a - t|^2.

    Computed about the centroids, so that far-away coordinates cost no precision. Points on one
    line leave the turn about it free: some minimiser is returned.
    """
    share = weights / weights.sum()
    centre_a, centre_b = share @ points_a, share @ points_b
    centred_a, centred_b = points_a - centre_a, points_b - centre_b
    u, singular, vt = np.linalg.svd((share[:, None] * centred_b).T @ centred_a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    spread = share @ (centred_a**2).sum(axis=1)
    scale = float(singular @ signs / spread) if with_scale and spread > 0 else 1.0
    return rigid(scale * rotation, centre_b - scale * rotation @ centre_a)


def robust_umeyama(
    points_a: Float[np.ndarray, "n 3"],
    points_b: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"],
    with_scale: bool = True,
    iterations: int = 30,
) -> Float[np.ndarray, "4 4"]:
    """b_from_a as `umeyama`, iteratively re-weighted for outliers: absolute residuals first, then
    Geman-McClure's kernel with three times the median residual (in b's units) as its width.
    """
    b_from_a = umeyama(points_a, points_b, weights, with_scale)
    for step in range(iterations):
        residual = np.linalg.norm(points_b - transform_points(b_from_a, points_a), axis=1)
        typical = np.median(residual[weights > 0]) + 1e-12 * (1.0 + np.abs(points_b).max())
        ratio = residual / (3.0 * typical)
        kernel = 1.0 / np.maximum(ratio, 1e-3) if step < iterations // 2 else 1.0 / (1.0 + ratio**2) ** 2
        b_from_a = umeyama(points_a, points_b, weights * kernel, with_scale)
    return b_from_a
