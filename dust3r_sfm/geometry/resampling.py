"""Values of an image-like array at continuous pixels; the first pixel's centre is (0.5, 0.5)."""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped


def nearest_indices(
    pixels: Float[np.ndarray, "n 2"], height: int, width: int
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """(row, column) of the pixel each falls into, clamped to the image."""
    column = np.clip(np.floor(pixels[:, 0]).astype(np.int64), 0, width - 1)
    row = np.clip(np.floor(pixels[:, 1]).astype(np.int64), 0, height - 1)
    return row, column


def sample_nearest(
    values: Shaped[np.ndarray, "h w *channels"], pixels: Float[np.ndarray, "n 2"]
) -> Shaped[np.ndarray, "n *channels"]:
    """The value of the pixel each falls into; pixels outside take the border's."""
    row, column = nearest_indices(pixels, values.shape[0], values.shape[1])
    return values[row, column]


def sample_bilinear(
    values: Float[np.ndarray, "h w *channels"], pixels: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n *channels"]:
    """Bilinear interpolation between pixel centres; beyond the outer centres the border's value."""
    height, width = values.shape[:2]
    x = np.clip(pixels[:, 0] - 0.5, 0.0, width - 1.0)
    y = np.clip(pixels[:, 1] - 0.5, 0.0, height - 1.0)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    extra = (1,) * (values.ndim - 2)
    fx, fy = (x - left).reshape(-1, *extra), (y - top).reshape(-1, *extra)
    upper = values[top, left] * (1 - fx) + values[top, right] * fx
    lower = values[bottom, left] * (1 - fx) + values[bottom, right] * fx
    return upper * (1 - fy) + lower * fy


def inside(pixels: Float[np.ndarray, "n 2"], height: int, width: int) -> Bool[np.ndarray, " n"]:
    """Whether continuous pixels lie in the image; False for NaN."""
    x, y = pixels[:, 0], pixels[:, 1]
    return (x >= 0) & (x < width) & (y >= 0) & (y < height)
