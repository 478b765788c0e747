"""A picture file as upright 8-bit RGB of a wanted size, with the affine from the stored pixels."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, UnidentifiedImageError

from dust3r_sfm.images.exif import Exif, read_exif
from dust3r_sfm.images.files import HEIC_SUFFIXES
from dust3r_sfm.images.framing import size_before_crop
from dust3r_sfm.images.kept_cells import keep_whole_cells
from dust3r_sfm.images.tones import to_rgb
from dust3r_sfm.types import Affine, Framing, ImageSpec

_MIRRORED = (2, 4, 5, 7)
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP")
_TURN_UPRIGHT = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}
_OPPOSITE = {1: 1, 3: 3, 6: 8, 8: 6}

# What Pillow's readers raise on files that are cut short, broken or hostile.
_UNDECODABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


class UnusablePhotoError(Exception):
    """A file that is no photo we can use; the message is the reason, in one line."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright and resized but not cropped. `pixel_from_original` takes stored
    pixels to those of `rgb`; `keep` is False where a pixel shows any of the file that is more than half
    transparent, None where nothing of the file is wholly transparent. `stored_size` is (width, height)."""

    rgb: UInt8[np.ndarray, "h w 3"]
    keep: Bool[np.ndarray, "h w"] | None
    pixel_from_original: Affine
    stored_size: tuple[int, int]
    exif: Exif


def read_photo(path: Path, spec: ImageSpec, min_side_px: int = 32) -> Photo:
    """The photo at the size `spec` asks for. Raises UnusablePhotoError, also for one with a side of less than
    `min_side_px`, which is an icon."""
    with open_picture(path) as image:
        exif = read_exif(image)
        _check_usable(image.size, exif.orientation, min_side_px)
        stored_size, stored, box = _load(image, exif.orientation, spec)
        rgb, alpha = to_rgb(stored)
    size, chosen = size_before_crop(stored_size, spec)
    turned_first = spec.framing is not Framing.FIT
    if turned_first:
        # Resizing rounds after each axis, so which comes first shows in the pixels.
        rgb = turn_upright(rgb, exif.orientation)
        rgb = rgb.resize(_turned_size(size, exif.orientation), chosen)
    elif size != rgb.size:
        rgb = rgb.resize(size, chosen, box)
    return Photo(
        np.array(rgb if turned_first else turn_upright(rgb, exif.orientation)),
        None
        if alpha is None
        else _keep_from_alpha(turn_upright(alpha, exif.orientation), size, exif.orientation),
        _turn_affine(exif.orientation, size) @ scaling_affine(size, stored_size),
        stored_size,
        exif,
    )


def _keep_from_alpha(alpha: Image.Image, size: tuple[int, int], orientation: int) -> Bool[np.ndarray, "h w"]:
    columns, rows = _turned_size(size, orientation)
    return keep_whole_cells(np.asarray(alpha) >= 128, rows, columns)


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """An opened picture of a format we read, whatever its suffix. Raises UnusablePhotoError, also for
    what goes wrong when its pixels are loaded inside the block."""
    try:
        if path.stat().st_size == 0:
            raise UnusablePhotoError("the file is empty (0 bytes)")
        with Image.open(path, formats=_readable_formats(path)) as image:
            yield image
    except UnidentifiedImageError as error:
        raise UnusablePhotoError("not a JPEG, PNG, TIFF, WebP, BMP or HEIC picture") from error
    except _UNDECODABLE as error:
        detail = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise UnusablePhotoError(f"cannot be decoded: {detail}") from error


def turn_upright(stored: Image.Image, orientation: int) -> Image.Image:
    """Stored pixels of a photo with this EXIF orientation (1, 3, 6 or 8), the right way up."""
    return stored.transpose(_TURN_UPRIGHT[orientation]) if orientation in _TURN_UPRIGHT else stored


def _turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation in (6, 8) else size


def scaling_affine(new: tuple[int, int], old: tuple[int, int]) -> Affine:
    """Pixels of a picture resized from (width, height) `old` to `new`, from those it had."""
    return np.diag([new[0] / old[0], new[1] / old[1], 1.0])


def _turn_affine(orientation: int, stored_size: tuple[int, int]) -> Affine:
    """upright_from_stored: the turn by a multiple of 90 degrees that EXIF asks for."""
    width, height = stored_size
    return {
        1: np.eye(3),
        3: np.array([[-1.0, 0.0, width], [0.0, -1.0, height], [0.0, 0.0, 1.0]]),
        6: np.array([[0.0, -1.0, height], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
        8: np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, width], [0.0, 0.0, 1.0]]),
    }[orientation]


def _check_usable(size: tuple[int, int], orientation: int, min_side_px: int) -> None:
    if orientation in _MIRRORED:
        raise UnusablePhotoError(
            f"its EXIF orientation {orientation} is mirrored, which no camera sees; save it unmirrored"
        )
    if min(size) < min_side_px:
        raise UnusablePhotoError(f"{size[0]}x{size[1]} pixels are too few: each side needs {min_side_px}")


def _load(
    image: Image.Image, orientation: int, spec: ImageSpec
) -> tuple[tuple[int, int], Image.Image, tuple[float, float, float, float]]:
    """The stored (width, height), the stored pixels, and the box in them that is the whole picture.

    JPEG is decoded at a half, quarter or eighth if twice the wanted size is left, which is faster;
    its last column may then lie half outside the picture: the box says how far the picture goes.
    The published rules see every pixel of the file.
    """
    opened_size = image.size
    (width, height), _ = size_before_crop(opened_size, spec)
    reduced = image.draft(None, (2 * width, 2 * height)) if spec.framing is Framing.FIT else None
    image.load()
    if reduced is not None:
        left, top, right, bottom = map(float, reduced[1])
        return opened_size, image, (left, top, right, bottom)
    # Pillow turns TIFF by itself, and takes the tag away: we need the pixels as they are stored.
    turned = orientation != 1 and read_exif(image).orientation == 1
    stored = turn_upright(image, _OPPOSITE[orientation]) if turned else image
    return stored.size, stored, (0.0, 0.0, float(stored.width), float(stored.height))


def _readable_formats(path: Path) -> tuple[str, ...]:
    """Formats of photos only: some of the others Pillow knows run programs (EPS)."""
    if path.suffix.lower() not in HEIC_SUFFIXES:
        return _FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UnusablePhotoError('HEIC needs pillow-heif: pip install "pillow-heif>=0.16"') from error
    register_heif_opener()
    return (*_FORMATS, "HEIF")
