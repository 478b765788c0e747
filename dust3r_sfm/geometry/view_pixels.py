"""Which pixels of a view may be used, whatever was found there."""

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.types import View


def select_usable(view: View, pixels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Which continuous pixels the view reaches to and its mask, if it has one, allows."""
    width, height = view.size
    inside = np.logical_and.reduce((pixels >= 0) & (pixels < [width, height]), axis=1)
    if view.mask is not None:
        column, row = np.clip(pixels.astype(np.int64), 0, [width - 1, height - 1]).T
        inside &= view.mask[row, column]
    return inside
