"""Photos whose lens is known, resampled as a pinhole in the camera's place sees them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import apply_affine, pixel_grid
from dust3r_sfm.geometry.rectification import file_pixels
from dust3r_sfm.geometry.resampling import inside, sample_bilinear, sample_nearest
from dust3r_sfm.images.decoding import (
    Photo,
    open_picture,
    read_photo,
    scaling_affine,
    turn_affine,
    turned_size,
)
from dust3r_sfm.images.decoding_memory import MemoryBudget
from dust3r_sfm.images.framing import size_before_crop
from dust3r_sfm.images.masks import read_mask
from dust3r_sfm.types import ImageSpec, Rectification

RectificationOf: TypeAlias = Callable[[str, tuple[int, int]], Rectification | None]
"""By photo name and (width, height) of its file; None where the photo is to stay as it is."""

_ROWS_AT_ONCE = 128


def stored_size_of(path: Path) -> tuple[int, int]:
    """(width, height), from the header. Raises UnusablePhotoError."""
    with open_picture(path) as picture:
        return picture.size


def read_rectified(
    path: Path,
    rectification: Rectification,
    spec: ImageSpec,
    mask: Path | None = None,
    memory: MemoryBudget | None = None,
) -> Photo:
    """As `read_photo` gives a photo at the size `spec` asks for, of the rectified one: `stored_size` is its
    size, `pixel_from_original` takes its pixels, and `keep` is where the file shows something that its own
    transparency and `mask`, of the file's size, allow. Raises UnusablePhotoError, and InputError for a mask
    that cannot be used, and for a file of another size than its camera's."""
    pinhole, camera = rectification.pinhole, rectification.file_camera
    whole = pinhole.width, pinhole.height
    size, _ = size_before_crop(whole, spec)
    share = max(size) / max(whole)
    photo = read_photo(path, ImageSpec(math.ceil(share * max(camera.width, camera.height))), memory)
    if photo.stored_size != (camera.width, camera.height):
        width, height = photo.stored_size
        raise InputError(
            f"{path}: has {width}x{height} pixels as it is stored, its given camera "
            f"{camera.width}x{camera.height}: give the camera of this file"
        )
    keep = _combined(photo.keep, None if mask is None else read_mask(mask, photo, memory))
    orientation = photo.exif.orientation
    pixel_from_whole = turn_affine(orientation, size) @ scaling_affine(size, whole)
    width, height = turned_size(size, orientation)
    rgb, seen = np.empty((height, width, 3), np.uint8), np.empty((height, width), bool)
    values = photo.rgb.astype(np.float32)
    for start in range(0, height, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, height))
        grid = pixel_grid(rows.stop - start, width).reshape(-1, 2) + [0.0, start]
        places = _photo_pixels(photo, rectification, apply_affine(np.linalg.inv(pixel_from_whole), grid))
        found = inside(places, *photo.rgb.shape[:2])
        # Beyond its edges the photo goes on as it ends: a dark rim would be a feature, one for all photos.
        places = np.nan_to_num(places)
        if keep is not None:
            found &= sample_nearest(keep, places)
        rgb[rows] = sample_bilinear(values, places).round().clip(0, 255).reshape(-1, width, 3)
        seen[rows] = found.reshape(-1, width)
    return Photo(rgb, seen, pixel_from_whole, whole, photo.exif, photo.content)


def _combined(
    first: Bool[np.ndarray, "h w"] | None, second: Bool[np.ndarray, "h w"] | None
) -> Bool[np.ndarray, "h w"] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second


def _photo_pixels(
    photo: Photo, rectification: Rectification, pixels: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 2"]:
    """Where the decoded photo shows pixels of the rectified one; nan where it does not."""
    return apply_affine(photo.pixel_from_original, file_pixels(rectification, pixels))
