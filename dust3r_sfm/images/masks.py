"""The user's masks, brought to the pixels of a view."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image

from dust3r_sfm.errors import InputError, UnusablePhotoError
from dust3r_sfm.images.decoding import Photo, open_picture, turn_upright
from dust3r_sfm.images.decoding_memory import MemoryBudget, decoding_bytes
from dust3r_sfm.images.kept_cells import keep_whole_cells


def read_mask(path: Path, photo: Photo, memory: MemoryBudget | None = None) -> Bool[np.ndarray, "h w"]:
    """True where the photo may be used, in the pixels of `photo.rgb`: where the mask is neither 0 nor
    transparent, in all that a pixel shows. In a JPEG, which rings around 0, half grey (128) is the limit.

    A mask of the stored photo's size is turned as the photo is; one of the upright photo's size is
    taken as it stands. Where both are one size the stored photo is meant, as for COLMAP's masks.

    Raises InputError for a mask that cannot be decoded, in `memory`, or has another size.
    """
    try:
        with (
            open_picture(path) as image,
            (memory or MemoryBudget()).held(decoding_bytes(image, image.size, image.size)),
        ):
            keep = _keep(image)
    except UnusablePhotoError as error:
        raise InputError(f"{path}: the mask cannot be used: {error}") from error
    orientation = photo.exif.orientation
    width, height = photo.stored_size
    upright = (height, width) if orientation in (6, 8) else (width, height)
    if keep.size == photo.stored_size:
        keep = turn_upright(keep, orientation)
    elif keep.size != upright:
        raise InputError(
            f"{path}: the mask has {keep.width}x{keep.height} pixels, its photo {width}x{height}; "
            "give a mask of the photo's size, or take it out of the folder"
        )
    rows, columns = photo.rgb.shape[:2]
    return keep_whole_cells(np.asarray(keep) > 0, rows, columns)


def _keep(image: Image.Image) -> Image.Image:
    """255 where the mask keeps the photo, else 0."""
    least = 128 if image.format in ("JPEG", "MPO") else 1
    image.load()
    if image.mode.startswith(("I", "F")):
        keep = np.asarray(image) > 0
    else:
        channels = np.asarray(image.convert("RGBA"))
        keep = (channels[..., :3] >= least).any(axis=-1) & (channels[..., 3] > 0)
    return Image.fromarray(keep.astype(np.uint8) * 255)
