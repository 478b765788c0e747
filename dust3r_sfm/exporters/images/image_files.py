"""Photos written as the images that a model belongs to."""

import errno
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from dust3r_sfm.errors import InputError, UnusablePhotoError
from dust3r_sfm.exporters.config import Transfer
from dust3r_sfm.exporters.images.undistortion import Placement, pixels_seen
from dust3r_sfm.images.decoding import content_of, open_picture, read_photo
from dust3r_sfm.images.rectifying import read_rectified
from dust3r_sfm.types import Camera, ImageSpec, View

# Each holds a whole photo as floats, twice: more hardly write faster.
_WORKERS = 2
_ROWS_AT_ONCE = 256
"""Whose pixels are moved together: some tens of megabytes."""
_JPEG_QUALITY = 95
"""The highest that Pillow advises: what is lost is below the camera's own compression."""
_PNG_EFFORT = 3  # Half the default's time for a twentieth more bytes.
_SAME_FORMAT = {".jpg": ("JPEG", "MPO"), ".png": ("PNG",)}


@dataclass(frozen=True)
class ImageFile:
    """One image to write, `name` below its folder, from the photo of `view`."""

    name: str
    view: View
    placement: Placement


def write_images(files: list[ImageFile], folder: Path, transfer: Transfer) -> Iterator[ImageFile]:
    """Writes each and yields it when it is there, in order.

    A photo that needs no change of its pixels is copied, or hard-linked where the file system can;
    the others are decoded, turned, undistorted and resized, and saved as JPEG of quality 95 without
    colour subsampling, or as PNG. Raises InputError for a photo that is gone or is another one now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda file: _write(file, folder / file.name, transfer), files)


def _write(file: ImageFile, path: Path, transfer: Transfer) -> ImageFile:
    if _usable_as_it_is(file):
        place_file(_photo_path(file.view), path, transfer)
        with path.open("rb") as written:
            _check_same(file.view, content_of(written))
    else:
        save_image(image_pixels_of(file.view, file.placement), path)
    return file


def save_image(image: Image.Image, path: Path) -> None:
    """As JPEG or PNG, by the path's suffix."""
    if path.suffix == ".jpg":
        image.save(path, quality=_JPEG_QUALITY, subsampling=0)
    else:
        image.save(path, compress_level=_PNG_EFFORT)


def place_file(source: Path, target: Path, transfer: Transfer) -> None:
    """Copies, or hard-links where the file system can."""
    if transfer == "link":
        try:
            os.link(source.resolve(), target)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
        else:
            return
    shutil.copyfile(source, target)


def _usable_as_it_is(file: ImageFile) -> bool:
    """Whether the stored file is, byte for byte, an image that every reader takes as the wanted one."""
    placement = file.placement
    straightened = file.view.rectification is not None
    if straightened or placement.turned or placement.camera != placement.source:
        return False
    try:
        with open_picture(_photo_path(file.view)) as picture:
            _check_size(file.view, picture.size)
            return picture.mode == "RGB" and picture.format in _SAME_FORMAT[Path(file.name).suffix]
    except UnusablePhotoError as error:
        raise _missing_photo(file.view, str(error)) from error


def image_pixels_of(view: View, placement: Placement) -> Image.Image:
    """The photo as `placement.camera` sees it. Raises InputError if the photo cannot be read any more."""
    try:
        whole = ImageSpec(long_edge=max(view.original_size))
        if view.rectification is None:
            photo = read_photo(_photo_path(view), whole)
        else:
            photo = read_rectified(_photo_path(view), view.rectification, whole)
    except UnusablePhotoError as error:
        raise _missing_photo(view, str(error)) from error
    _check_size(view, photo.stored_size)
    _check_same(view, photo.content)
    rgb = photo.rgb
    if placement.warped:
        rgb = warp_image(rgb, placement.source, placement.full)
    image, size = Image.fromarray(rgb), (placement.camera.width, placement.camera.height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def warp_image(rgb: UInt8[np.ndarray, "h w 3"], source: Camera, target: Camera) -> UInt8[np.ndarray, "H W 3"]:
    """What `target`, at the same place and looking the same way, sees of a picture that `source` took,
    by bicubic interpolation."""
    picture = torch.from_numpy(rgb).permute(2, 0, 1)[None].float()
    out = np.empty((target.height, target.width, 3), dtype=np.uint8)
    for start in range(0, target.height, _ROWS_AT_ONCE):
        grid = pixels_seen(source, target, start, start + _ROWS_AT_ONCE)
        # grid_sample's corners, -1 and 1, are the outer edges of the picture: continuous pixels 0 and w.
        relative = torch.from_numpy((grid / [source.width, source.height] * 2 - 1).astype(np.float32))
        rows = torch.nn.functional.grid_sample(
            picture, relative[None], mode="bicubic", padding_mode="border", align_corners=False
        )
        out[start : start + _ROWS_AT_ONCE] = rows[0].round().clamp(0, 255).permute(1, 2, 0).numpy()
    return out


def relocate_photo(view: View, photos: Path) -> View:
    """The view with its photo looked for below another folder: it need not be the same file, only of the same
    size, as an edited copy is."""
    return replace(view, path=photos / view.name, content=None)


def _photo_path(view: View) -> Path:
    if view.path is None:
        raise InputError(f"{view.name}: was not read from a file, so there is no photo to write an image of")
    if not view.path.is_file():
        raise _missing_photo(view, "there is no such file")
    return view.path


def _check_size(view: View, size: tuple[int, int]) -> None:
    if size != view.original_size:
        expected = "x".join(str(side) for side in view.original_size)
        raise _missing_photo(
            view, f"has {size[0]}x{size[1]} pixels, and the photo that was used had {expected}"
        )


def _check_same(view: View, content: str) -> None:
    if view.content is not None and content != view.content:
        raise _missing_photo(view, "has changed since it was used")


def _missing_photo(view: View, reason: str) -> InputError:
    return InputError(
        f"{view.path}: {reason}; name the folder where the photos of this scene are now (--photos DIR), "
        "or export without images"
    )
