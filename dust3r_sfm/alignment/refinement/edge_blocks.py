"""An edge's own terms as a block of the normal equations of both its cameras.

Poses T_i and T_j enter through T_j T_i^-1 = [R | t], whose increment is xi = xi_j - Ad xi_i with the
adjoint Ad = [[R, 0], [t^ R, R]] (Sola, Deray and Atchuthan 2018, "A micro Lie theory", example 6).
Parameters of an edge, in order: xi_i (6), xi_j (6), log f_i, log f_j, mu_i, mu_j, log s.
"""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.refinement.residuals import PARAMETERS, EdgeCameras

DEPTH_I, SCALE = 14, 16
EDGE_PARAMETERS = 17
_OWN = [12, 13, 15, 16]
"""Where the parameters that follow the pose in `residuals` stand: all but mu_i."""


def edge_from_relative(cameras: EdgeCameras) -> Float[np.ndarray, "e 10 17"]:
    """Derivative of the parameters of `residuals` by those of the edge."""
    rotation = cameras.rotation
    out = np.zeros((len(rotation), PARAMETERS, EDGE_PARAMETERS))
    out[:, 0:3, 0:3] = out[:, 3:6, 3:6] = -rotation
    out[:, 3:6, 0:3] = -np.cross(cameras.translation[:, None], np.swapaxes(rotation, -1, -2)).swapaxes(-1, -2)
    out[:, range(6), range(6, 12)] = 1.0
    out[:, range(6, PARAMETERS), _OWN] = 1.0
    return out
