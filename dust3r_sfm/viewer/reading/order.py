"""The order of points: at random, so that any first part of them is an even thinning."""

import numpy as np
from jaxtyping import Int


def shuffled(count: int, most: int) -> Int[np.ndarray, " k"]:
    """Rows, and always the same."""
    return np.random.default_rng(0).permutation(count)[:most]
