"""Pictures with markers at known places, and the EXIF they are saved with."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

SavePhoto = Callable[..., Path]
"""What the fixture `save` is."""

MARKERS = np.array([[0.2, 0.25], [0.7, 0.3], [0.4, 0.75]])
"""Where the markers are, as parts of width and height: no turn or mirroring leaves them in place."""


def marked_pixels(width: int, height: int) -> np.ndarray:
    """Continuous pixels of the markers in a picture of this size."""
    return MARKERS * [width, height]


def marked_picture(width: int, height: int, radius_px: float = 12.0) -> Image.Image:
    """Bright blobs on black, each centred on its marker, and each in its own colour channel."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    squared = [(x - u) ** 2 + (y - v) ** 2 for u, v in marked_pixels(width, height)]
    blobs = np.exp(-np.stack(squared, axis=-1) / (2 * (radius_px / 2) ** 2))
    return Image.fromarray(np.round(255 * blobs).astype(np.uint8))


def centroids(image: np.ndarray) -> np.ndarray:
    """Continuous pixel of the blob in each channel; decoding noise far below its peak does not count."""
    weights = np.where(image > 20, image, 0).astype(float)
    x, y = np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5
    total = weights.sum(axis=(0, 1))
    return np.stack([weights.sum(axis=0).T @ x, weights.sum(axis=1).T @ y], axis=-1) / total[:, None]


def exif_with(tags: Mapping[int, object]) -> Image.Exif:
    """EXIF with the low tags in IFD0 and those from exposure time on in the Exif IFD."""
    exif = Image.Exif()
    for tag, value in tags.items():
        (exif if tag < 33434 else exif.get_ifd(0x8769))[tag] = value
    return exif
