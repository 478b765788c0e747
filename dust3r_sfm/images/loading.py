"""Views out of photos, in parallel, and a photo's grey values again at another size."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from dust3r_sfm.errors import InputError, UnusablePhotoError
from dust3r_sfm.images.decoding import Photo, read_photo, scaling_affine
from dust3r_sfm.images.decoding_memory import MemoryBudget
from dust3r_sfm.images.files import match_masks, require_file, search_photos
from dust3r_sfm.images.framing import fit_size, frame_of
from dust3r_sfm.images.kinds import FORMATS
from dust3r_sfm.images.masks import read_mask
from dust3r_sfm.images.passed_over import passed_over_text
from dust3r_sfm.images.rectifying import RectificationOf, read_rectified, stored_size_of
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Affine, ImageSpec, View

# Each worker holds one whole photo, so this bounds memory; more hardly read faster.
_WORKERS = 4


@dataclass(frozen=True)
class LoadedViews:
    """What came of a folder or list of photos."""

    views: tuple[View, ...]
    """In the order of their photos."""
    skipped: dict[str, str]
    """For each picture that was left out, name -> reason."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """What else lies in the folder, name -> what it is; and masks that no photo has."""


def load_views(
    source: Path | Sequence[Path],
    spec: ImageSpec,
    masks: Path | None = None,
    memory_bytes: int | None = None,
    progress: Progress | None = None,
    rectification_of: RectificationOf | None = None,
) -> LoadedViews:
    """The photos of a folder (with sub-folders, in natural order of their names) or list (in its order) as
    views. `memory_bytes`: the most that all pictures which are being decoded take; None: no bound.

    Each is turned upright by EXIF, resized and cropped around its centre as `spec` says. `masks` is a
    folder of pictures named as the photos: 0 is masked out; a photo without one is used whole.
    Transparent parts of a photo are masked out too. A photo that cannot be used is skipped.

    `rectification_of` says which photos are straightened first: it may raise InputError.

    A stage "Reading photos" on `progress`. Raises InputError if the source is missing, fewer than two photos
    can be used, or a mask does not fit.
    """
    progress = progress or Silent()
    found = search_photos(source, masks)
    photos, passed_over = found.files, dict(found.passed_over)
    mask_files: dict[str, Path] = {}
    if masks is not None:
        matched = match_masks(masks, photos)
        mask_files = matched.files
        passed_over |= {str(masks / name): "the mask of no photo" for name in matched.strays}
    memory, loaded = MemoryBudget(memory_bytes), list[View | str]()
    progress.start("Reading photos", len(photos), "photos")
    with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
        for item in pool.map(
            lambda name: _view_or_reason(
                name, photos[name], spec, mask_files.get(name), memory, rectification_of
            ),
            photos,
        ):
            loaded.append(item)
            progress.advance()
    views = tuple(item for item in loaded if isinstance(item, View))
    broken = {name: item for name, item in zip(photos, loaded, strict=True) if isinstance(item, str)}
    result = LoadedViews(views, {**found.unusable, **broken}, passed_over)
    if len(views) < 2:
        raise InputError(_too_few(source, result))
    return result


def load_view(photo: Path, spec: ImageSpec, memory_bytes: int | None = None) -> View:
    """One photo as `load_views` would give it, named by its file. `memory_bytes`: the most that decoding it
    takes; None: no bound. Raises InputError if it cannot be used, or takes more."""
    require_file(photo)
    found = _view_or_reason(photo.name, photo.absolute(), spec, None, MemoryBudget(memory_bytes))
    if isinstance(found, str):
        raise InputError(f"{photo}: {found}; give another photo")
    return found


def load_gray(view: View, long_edge: int) -> tuple[UInt8[np.ndarray, "h w"], Affine]:
    """The view's whole photo as upright 8-bit luminance (ITU-R 601), its long edge at `long_edge`
    pixels at most and never enlarged, and view_from_gray: pixels of `view.image` from its pixels.
    It shows what was cropped off the view too. A view without a file gives the pixels it has.

    Raises InputError if the file cannot be read any more, or is another one now.
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
        if view.rectification is None:
            photo = read_photo(view.path, ImageSpec(long_edge))
        else:
            photo = read_rectified(view.path, view.rectification, ImageSpec(long_edge))
    except UnusablePhotoError as error:
        raise InputError(f"{view.path}: was read before, and now {error}; leave photos in place") from error
    _check_same(view, photo.content)
    picture = Image.fromarray(photo.rgb).convert(mode)
    return picture, view.pixel_from_original @ np.linalg.inv(photo.pixel_from_original)


def _check_same(view: View, content: str) -> None:
    """Raises InputError where a file that was read again has not the content that the view was made of: part
    of the results would be of one photo, part of another."""
    if view.content is not None and content != view.content:
        raise InputError(
            f"{view.path}: has changed since it was read; leave photos as they are while they are used, and "
            "run again"
        )


def _view_or_reason(
    name: str,
    path: Path,
    spec: ImageSpec,
    mask: Path | None,
    memory: MemoryBudget,
    rectification_of: RectificationOf | None = None,
) -> View | str:
    rectification = None
    try:
        if rectification_of is not None:
            rectification = rectification_of(name, stored_size_of(path))
        if rectification is None:
            photo = read_photo(path, spec, memory)
        else:
            photo = read_rectified(path, rectification, spec, mask, memory)
    except UnusablePhotoError as error:
        return str(error)
    height, width = photo.rgb.shape[:2]
    if min(width, height) < spec.multiple:
        return f"too narrow: {width}x{height} pixels are left, {spec.multiple} are needed on each side"
    keep = photo.keep
    if mask is not None and rectification is None:
        given = read_mask(mask, photo, memory)
        keep = given if keep is None else keep & given
    if keep is not None and not keep.any():
        return "the mask leaves nothing of it"
    return replace(_crop_view(name, path, photo, keep, spec), rectification=rectification)


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
        content=photo.content,
    )


def _too_few(source: Path | Sequence[Path], loaded: LoadedViews) -> str:
    label = str(source) if isinstance(source, Path) else "the files given"
    found, skipped = len(loaded.views) + len(loaded.skipped), loaded.skipped
    few = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
    details = f" ({few if len(skipped) <= 3 else passed_over_text(skipped, 10)})" if skipped else ""
    others = f". Besides: {passed_over_text(loaded.passed_over)}" if loaded.passed_over else ""
    return (
        f"{label}: of {found} pictures {found - len(skipped)} can be used{details}; two at least are needed: "
        f"add overlapping photos of one scene ({FORMATS}){others}"
    )
