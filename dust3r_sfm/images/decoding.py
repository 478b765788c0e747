"""A picture file as upright 8-bit RGB of a wanted size, with the affine from the stored pixels."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, UnidentifiedImageError

from dust3r_sfm.errors import UnusablePhotoError
from dust3r_sfm.images.decoding_memory import MemoryBudget, decoding_bytes
from dust3r_sfm.images.exif import Exif, read_exif
from dust3r_sfm.images.framing import size_before_crop
from dust3r_sfm.images.kept_cells import keep_whole_cells
from dust3r_sfm.images.kinds import FORMATS
from dust3r_sfm.images.tones import to_rgb
from dust3r_sfm.types import Affine, Framing, ImageSpec

_MIRRORED = (2, 4, 5, 7)
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "PPM")
_AVIF_BRANDS = (b"avif", b"avis")
_HASHED_AT_ONCE = 2**20
_TURN_UPRIGHT = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}
_OPPOSITE = {1: 1, 3: 3, 6: 8, 8: 6}

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """A decoded photo, upright and resized but not cropped. `pixel_from_original` takes stored
    pixels to those of `rgb`; `keep` is False where a pixel shows any of the file that is more than half
    transparent, None where nothing of the file is wholly transparent. `stored_size` is (width, height);
    `content` is the file's SHA-256."""

    rgb: UInt8[np.ndarray, "h w 3"]
    keep: Bool[np.ndarray, "h w"] | None
    pixel_from_original: Affine
    stored_size: tuple[int, int]
    exif: Exif
    content: str


def read_photo(
    path: Path, spec: ImageSpec, memory: MemoryBudget | None = None, min_side_px: int = 32
) -> Photo:
    """The photo at the size `spec` asks for, while `memory` has room for it. Raises UnusablePhotoError, also
    for one that takes more than that, and for one with a side of less than `min_side_px`, which is an
    icon."""
    with _opened(path) as file:
        content = content_of(file)
        with _picture_in(file) as image:
            exif = read_exif(image)
            _check_usable(image.size, exif.orientation, min_side_px)
            reduced = _draft(image, spec)
            needed = decoding_bytes(
                image, reduced.opened_size, size_before_crop(reduced.opened_size, spec)[0]
            )
            with (memory or MemoryBudget()).held(needed):
                return _decoded(image, exif, content, reduced, spec)


def _decoded(image: Image.Image, exif: Exif, content: str, reduced: "_Reduced", spec: ImageSpec) -> Photo:
    stored_size, stored, box = _load(image, exif.orientation, reduced)
    rgb, alpha = to_rgb(stored)
    size, chosen = size_before_crop(stored_size, spec)
    turned_first = spec.framing is not Framing.FIT
    if turned_first:
        # Resizing rounds after each axis, so which comes first shows in the pixels.
        rgb = turn_upright(rgb, exif.orientation)
        rgb = rgb.resize(turned_size(size, exif.orientation), chosen)
    elif size != rgb.size:
        rgb = rgb.resize(size, chosen, box)
    return Photo(
        np.array(rgb if turned_first else turn_upright(rgb, exif.orientation)),
        None
        if alpha is None
        else _keep_from_alpha(turn_upright(alpha, exif.orientation), size, exif.orientation),
        turn_affine(exif.orientation, size) @ scaling_affine(size, stored_size),
        stored_size,
        exif,
        content,
    )


def _keep_from_alpha(alpha: Image.Image, size: tuple[int, int], orientation: int) -> Bool[np.ndarray, "h w"]:
    columns, rows = turned_size(size, orientation)
    return keep_whole_cells(np.asarray(alpha) >= 128, rows, columns)


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """An opened picture of a format we read, whatever its suffix. Raises UnusablePhotoError, also for
    what goes wrong when its pixels are loaded inside the block."""
    with _opened(path) as file, _picture_in(file) as image:
        yield image


def content_of(file: BinaryIO) -> str:
    """SHA-256 of an opened file, which is left at its beginning."""
    digest = hashlib.sha256()
    while block := file.read(_HASHED_AT_ONCE):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """What a file makes a decoder raise inside the block is that file's fault, and nobody else's."""
    try:
        # A pipe would be waited for.
        if not path.is_file():
            raise UnusablePhotoError("there is no such file")
        with path.open("rb") as file:
            yield file
    except UnusablePhotoError:
        raise
    except UnidentifiedImageError as error:
        raise UnusablePhotoError(f"not a {FORMATS} picture") from error
    # Damaged files make Pillow raise whatever comes: TypeError, SystemError, struct.error, MemoryError.
    except Exception as error:
        _logger.debug("%r cannot be decoded", str(path), exc_info=True)
        detail = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise UnusablePhotoError(f"cannot be decoded: {detail}") from error


@contextmanager
def _picture_in(file: BinaryIO) -> Iterator[Image.Image]:
    head = file.read(12)
    if not head:
        raise UnusablePhotoError("the file is empty (0 bytes)")
    file.seek(0)
    with Image.open(file, formats=_readable_formats(head)) as image:
        yield image


def turn_upright(stored: Image.Image, orientation: int) -> Image.Image:
    """Stored pixels of a photo with this EXIF orientation (1, 3, 6 or 8), the right way up."""
    return stored.transpose(_TURN_UPRIGHT[orientation]) if orientation in _TURN_UPRIGHT else stored


def turned_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) of the upright picture, from that of the stored one."""
    return (size[1], size[0]) if orientation in (6, 8) else size


def scaling_affine(new: tuple[int, int], old: tuple[int, int]) -> Affine:
    """Pixels of a picture resized from (width, height) `old` to `new`, from those it had."""
    return np.diag([new[0] / old[0], new[1] / old[1], 1.0])


def turn_affine(orientation: int, stored_size: tuple[int, int]) -> Affine:
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


@dataclass(frozen=True)
class _Reduced:
    """The (width, height) that an opened picture had, and the box (left, top, right, bottom) in what will be
    decoded that is the whole picture, None where it is decoded as it is."""

    opened_size: tuple[int, int]
    box: tuple[float, float, float, float] | None


def _draft(image: Image.Image, spec: ImageSpec) -> _Reduced:
    """Has JPEG decoded at a half, quarter or eighth if twice the wanted size is left, which is faster;
    its last column may then lie half outside the picture: the box says how far the picture goes.
    The published rules see every pixel of the file."""
    opened_size = image.size
    (width, height), _ = size_before_crop(opened_size, spec)
    reduced = image.draft(None, (2 * width, 2 * height)) if spec.framing is Framing.FIT else None
    if reduced is None:
        return _Reduced(opened_size, None)
    left, top, right, bottom = map(float, reduced[1])
    return _Reduced(opened_size, (left, top, right, bottom))


def _load(
    image: Image.Image, orientation: int, reduced: _Reduced
) -> tuple[tuple[int, int], Image.Image, tuple[float, float, float, float]]:
    """The stored (width, height), the stored pixels, and the box in them that is the whole picture."""
    image.load()
    if reduced.box is not None:
        return reduced.opened_size, image, reduced.box
    # Pillow turns TIFF by itself, and takes the tag away: we need the pixels as they are stored.
    turned = orientation != 1 and read_exif(image).orientation == 1
    stored = turn_upright(image, _OPPOSITE[orientation]) if turned else image
    return stored.size, stored, (0.0, 0.0, float(stored.width), float(stored.height))


def _readable_formats(head: bytes) -> tuple[str, ...]:
    """Formats of photos only: some of the others Pillow knows run programs (EPS). `head`: a file's first
    bytes; those of HEIC and AVIF, which have readers of their own, say so."""
    if head[4:8] != b"ftyp":
        return _FORMATS
    if head[8:12] in _AVIF_BRANDS:
        if find_spec("PIL.AvifImagePlugin") is None:
            raise UnusablePhotoError('AVIF needs a newer Pillow: pip install "pillow>=11.3"')
        return ("AVIF",)
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise UnusablePhotoError('HEIC needs pillow-heif: pip install "pillow-heif>=0.16"') from error
    register_heif_opener()
    return ("HEIF",)
