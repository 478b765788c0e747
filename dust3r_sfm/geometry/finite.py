"""Which points are points."""

import numpy as np
from jaxtyping import Bool, Float


def finite_points(points: Float[np.ndarray, "*shape 3"]) -> Bool[np.ndarray, "*shape"]:
    """Whether all three coordinates are numbers. A sum is finite only if its terms are, and is asked once a
    point: three times as fast. (Sums that overflow are of points that no camera sees.)"""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isfinite(points[..., 0] + points[..., 1] + points[..., 2])
