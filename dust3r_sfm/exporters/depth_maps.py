"""Depth and confidence of every view, as arrays and as pictures."""

from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.cameras import opencv_camera
from dust3r_sfm.io.photo_names import ADDED_SUFFIXES, unusable_names
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.types import Scene

# Violet through blue, green and yellow to red. Palette colours 1 to 255; 0 is black, for "unknown".
_STOPS = ((40, 16, 90), (45, 90, 190), (30, 165, 160), (110, 205, 80), (250, 195, 45), (225, 45, 25))
_AT = np.linspace(0, 1, len(_STOPS))
_RAMP = np.stack(
    [np.interp(np.linspace(0, 1, 255), _AT, stops) for stops in zip(*_STOPS, strict=True)], axis=-1
)
_PALETTE = bytes(3) + _RAMP.round().astype(np.uint8).tobytes()
_PNG_EFFORT = 1  # A third of the default's time for a fifth more bytes.


def export_depth_maps(scene: Scene, folder: Path) -> None:
    """For each view writes, below `folder`, `<name>.npz`, `<name>.depth.png` and `<name>.confidence.png`.

    The npz holds, for the view's (resized, upright) pixels: `depth` (z, world units, 0 unknown) and
    `confidence`, float32 "h w"; `K` and `pixel_from_original` 3x3; `k1`; `cam_from_world` 4x4. Sub-folders
    in names are kept; a name that would leave `folder`, or that not all of these can have, is an InputError.
    """
    # Names are checked before anything is written; compression is what takes the time.
    for name, reason in unusable_names([view.name for view in scene.views]).items():
        raise InputError(f"image name {name!r}: {reason}")
    bases = [folder / PurePosixPath(view.name) for view in scene.views]
    for _ in in_threads(lambda index: _write(scene, index, bases[index]), range(len(bases))):
        pass


def _write(scene: Scene, index: int, base: Path) -> None:
    base.parent.mkdir(parents=True, exist_ok=True)
    depth = scene.depth[index].astype(np.float32)
    confidence = scene.confidence[index].astype(np.float32)
    arrays, depth_png, confidence_png = (base.parent / (base.name + suffix) for suffix in ADDED_SUFFIXES)
    with arrays.open("wb") as file:
        np.savez(
            file,
            depth=depth,
            confidence=confidence,
            K=scene.cameras[index].matrix,
            k1=opencv_camera(scene.cameras[index]).distortion[0],
            pixel_from_original=scene.views[index].pixel_from_original,
            cam_from_world=scene.cam_from_world[index],
        )
    depth_picture(depth).save(depth_png, compress_level=_PNG_EFFORT)
    confidence_picture(confidence).save(confidence_png, compress_level=_PNG_EFFORT)


def depth_picture(depth: Float[np.ndarray, "h w"]) -> Image.Image:
    """Inverse depth in colour, near red and far violet, between its 2nd and 98th percentiles; black
    where unknown."""
    known = np.isfinite(depth) & (depth > 0)
    inverse = 1.0 / np.where(known, depth, 1.0)
    far, near = np.percentile(inverse[known], [2, 98]) if known.any() else (0.0, 1.0)
    return _color((inverse - far) / max(float(near - far), 1e-12 * float(near)), known)


def confidence_picture(confidence: Float[np.ndarray, "h w"]) -> Image.Image:
    """1 - 1 / confidence in colour: the same colour means the same confidence in every picture."""
    return _color(1.0 - 1.0 / np.maximum(confidence, 1.0), np.ones(confidence.shape, dtype=bool))


def _color(share: Float[np.ndarray, "h w"], known: Bool[np.ndarray, "h w"]) -> Image.Image:
    index = np.where(known, 1 + np.clip(share, 0, 1) * 254, 0).round().astype(np.uint8)
    picture = Image.fromarray(index)
    picture.putpalette(_PALETTE)
    return picture
