"""Views out of photos, in parallel, and a photo's grey values again at another size."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.decoding import Photo, UnusablePhotoError, read_photo, scaling_affine
from dust3r_sfm.images.files import find_photos, match_masks
from dust3r_sfm.images.framing import fit_size, frame_of
from dust3r_sfm.images.masks import read_mask
from dust3r_sfm.types import Affine, ImageSpec, View

# Each worker holds one whole photo, so this bounds memory; more hardly read faster.
_WORKERS = 4


@dataclass(frozen=True)
class LoadedViews:
    """What came of a folder or list of photos."""

    views: tuple[View, ...]
    """In the order of their photos."""
    skipped: dict[str, str]
    """For each file that was left out, name -> reason."""


def load_views(source: Path | Sequence[Path], spec: ImageSpec, masks: Path | None = None) -> LoadedViews:
    """The photos of a folder (with sub-folders, sorted by name) or list (in its order) as views.

    Each is turned upright by EXIF, resized and cropped around its centre as `spec` says. `masks` is a
    folder of pictures named as the photos: 0 is masked out; a photo without one is used whole.
    Transparent parts of a photo are masked out too. A photo that cannot be used is skipped.

    Raises InputError if the source is missing, fewer than two photos can be used, or a mask does not fit.
    """
    photos = find_photos(source, masks)
    mask_files = {} if masks is None else match_masks(masks, photos)
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
        loaded = list(
            pool.map(lambda name: _view_or_reason(name, photos[name], spec, mask_files.get(name)), photos)
        )
    views = tuple(item for item in loaded if isinstance(item, View))
    skipped = {name: item for name, item in zip(photos, loaded, strict=True) if isinstance(item, str)}
    if len(views) < 2:
        raise InputError(_too_few(source, len(photos), skipped))
    return LoadedViews(views, skipped)


def load_view(photo: Path, spec: ImageSpec) -> View:
    """One photo as `load_views` would give it, named by its file. Raises InputError if it cannot be used."""
    ((name, path),) = find_photos([photo]).items()
    found = _view_or_reason(name, path, spec, None)
    if isinstance(found, str):
        raise InputError(f"{photo}: {found}; give another photo")
    return found


def load_gray(view: View, long_edge: int) -> tuple[UInt8[np.ndarray, "h w"], Affine]:
    """The view's whole photo as upright 8-bit luminance (ITU-R 601), its long edge at `long_edge`
    pixels at most and never enlarged, and view_from_gray: pixels of `view.image` from its pixels.
    It shows what was cropped off the view too. A view without a file gives the pixels it has.

    Raises InputError if the file cannot be read any more.
    """
    picture, view_from_gray = _whole_picture(view, long_edge, "L")
    return np.array(picture), view_from_gray


def load_color(view: View, long_edge: int) -> tuple[UInt8[np.ndarray, "h w 3"], Affine]:
    """The same as upright 8-bit RGB, and view_from_color. Raises InputError as `load_gray` does."""
    picture, view_from_color = _whole_picture(view, long_edge, "RGB")
    return np.array(picture), view_from_color


def _whole_picture(view: View, long_edge: int, mode: str) -> tuple[Image.Image, Affine]:
    """The upright photo in a mode of Pillow's, and view_from_picture."""
    if view.path is None:
        size = fit_size(view.size, long_edge)
        picture = Image.fromarray(view.image).convert(mode).resize(size, Image.Resampling.LANCZOS)
        return picture, scaling_affine(view.size, size)
    try:
        photo = read_photo(view.path, ImageSpec(long_edge))
    except UnusablePhotoError as error:
        raise InputError(f"{view.path}: was read before, and now {error}; leave photos in place") from error
    picture = Image.fromarray(photo.rgb).convert(mode)
    return picture, view.pixel_from_original @ np.linalg.inv(photo.pixel_from_original)


def _view_or_reason(name: str, path: Path, spec: ImageSpec, mask: Path | None) -> View | str:
    try:
        photo = read_photo(path, spec)
    except UnusablePhotoError as error:
        return str(error)
    height, width = photo.rgb.shape[:2]
    if min(width, height) < spec.multiple:
        return f"too narrow: {width}x{height} pixels are left, {spec.multiple} are needed on each side"
    keep = photo.keep
    if mask is not None:
        given = read_mask(mask, photo)
        keep = given if keep is None else keep & given
    if keep is not None and not keep.any():
        return "the mask leaves nothing of it"
    return _crop_view(name, path, photo, keep, spec)


def _crop_view(name: str, path: Path, photo: Photo, keep: np.ndarray | None, spec: ImageSpec) -> View:
    width, height = photo.stored_size
    upright = (height, width) if photo.exif.orientation in (6, 8) else (width, height)
    left, top, right, bottom = frame_of(upright, spec).box
    inside = np.s_[top:bottom, left:right]
    pixel_from_original = photo.pixel_from_original.copy()
    pixel_from_original[:2, 2] -= [left, top]
    scale = np.sqrt(abs(np.linalg.det(pixel_from_original[:2, :2])))
    diagonals = photo.exif.focal_diagonals
    return View(
        name,
        # Copies, lest a view holds what was cropped off.
        photo.rgb[inside].copy(),
        pixel_from_original,
        photo.stored_size,
        path,
        None if diagonals is None else float(diagonals * np.hypot(*photo.stored_size) * scale),
        photo.exif.camera,
        None if keep is None else keep[inside].copy(),
        exif_position=photo.exif.position,
    )


def _too_few(source: Path | Sequence[Path], found: int, skipped: dict[str, str]) -> str:
    label = str(source) if isinstance(source, Path) else "the files given"
    examples = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
    details = f" ({examples}{'; ...' if len(skipped) > 3 else ''})" if skipped else ""
    return (
        f"{label}: of {found} pictures {found - len(skipped)} can be used{details}; two at least are needed: "
        "add overlapping photos of one scene (JPEG, PNG, TIFF, WebP, BMP or HEIC)"
    )
