"""Continuous pixels: of a grid, of another picture of the same, and which of a view may be used."""

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.types import Affine, View


def pixel_grid(height: int, width: int) -> Float[np.ndarray, "h w 2"]:
    """Continuous (x, y) of every pixel centre: the first is (0.5, 0.5)."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y], axis=-1)


def apply_affine(affine: Affine, pixels: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    return pixels @ affine[:2, :2].T + affine[:2, 2]


def original_pixels(view: View, pixels: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Where continuous pixels of the view lie in the stored file; of a straightened one in the rectified
    photo, from which `geometry.rectification.file_pixels` goes on."""
    return apply_affine(np.linalg.inv(view.pixel_from_original), pixels)


def view_pixels(view: View, pixels: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """Where continuous pixels of the stored file, or of the rectified photo, lie in the view; inverse of
    `original_pixels`."""
    return apply_affine(view.pixel_from_original, pixels)


def select_usable(view: View, pixels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Which continuous pixels the view reaches to and its mask, if it has one, allows."""
    width, height = view.size
    inside = np.logical_and.reduce((pixels >= 0) & (pixels < [width, height]), axis=1)
    if view.mask is not None:
        column, row = np.clip(pixels.astype(np.int64), 0, [width - 1, height - 1]).T
        inside &= view.mask[row, column]
    return inside
