"""The rotation between two views that see the same directions."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry.robust import geman_mcclure


def fit_rotation(
    rays_i: Float[np.ndarray, "n 3"],
    rays_j: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"],
    width: float | None = None,
    rounds: int = 10,
    converged_rad: float = 1e-5,
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """R that brings the unit rays of i onto those of j (Wahba 1965), each ray's error (a chord, nearly an
    angle in radians), and the weights left to it.

    Re-weighted by Geman-McClure's kernel of that width; None: three times the median error of each round. At
    most so many `rounds`, and none after a change below `converged_rad`.
    """
    rotation, error, kept = np.eye(3), np.zeros(len(rays_i)), weights
    for _ in range(rounds):
        before = rotation
        rotation = Rotation.align_vectors(rays_j, rays_i, weights=kept)[0].as_matrix()
        error = np.linalg.norm(rays_j - rays_i @ rotation.T, axis=1)
        scale = 3.0 * float(np.median(error)) + 1e-9 if width is None else width
        kept = weights * geman_mcclure(error / scale)
        if np.abs(rotation - before).max() < converged_rad:
            break
    return rotation, error, kept
