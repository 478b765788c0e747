"""Depth and confidence of every view, as arrays and as pictures."""

from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Scene

_RAMP_AT = np.linspace(0.0, 1.0, 6)
_RAMP_RGB = np.array(
    [[40, 16, 90], [45, 90, 190], [30, 165, 160], [110, 205, 80], [250, 195, 45], [225, 45, 25]], dtype=float
)


def export_depth_maps(scene: Scene, folder: Path) -> None:
    """For each view writes, below `folder`, `<name>.npz`, `<name>.depth.png` and `<name>.confidence.png`.

    The npz holds, for the view's (resized, upright) pixels: `depth` (z, world units, 0 unknown) and
    `confidence`, float32 "h w"; `K` and `pixel_from_original` 3x3; `cam_from_world` 4x4. Sub-folders
    in names are kept; a name that would leave `folder` is an InputError.
    """
    for index, view in enumerate(scene.views):
        base = _inside(folder, view.name)
        base.parent.mkdir(parents=True, exist_ok=True)
        depth = scene.depth[index].astype(np.float32)
        confidence = scene.confidence[index].astype(np.float32)
        with (base.parent / f"{base.name}.npz").open("wb") as file:
            np.savez_compressed(
                file,
                depth=depth,
                confidence=confidence,
                K=scene.cameras[index].matrix,
                pixel_from_original=view.pixel_from_original,
                cam_from_world=scene.cam_from_world[index],
            )
        Image.fromarray(depth_picture(depth)).save(base.parent / f"{base.name}.depth.png")
        Image.fromarray(confidence_picture(confidence)).save(base.parent / f"{base.name}.confidence.png")


def depth_picture(depth: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Inverse depth in colour, near red and far blue, between its 2nd and 98th percentiles; black
    where unknown."""
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros((*depth.shape, 3), dtype=np.uint8)
    inverse = 1.0 / np.where(known, depth, 1.0)
    far, near = np.percentile(inverse[known], [2, 98])
    share = (inverse - far) / max(float(near - far), 1e-12 * float(near))
    return np.where(known[..., None], _ramp(share), np.uint8(0))


def confidence_picture(confidence: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """1 - 1 / confidence in colour: the same colour means the same confidence in every picture."""
    return _ramp(1.0 - 1.0 / np.maximum(confidence, 1.0))


def _ramp(share: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Dark violet through blue, green and yellow to red, for shares clipped to [0, 1]."""
    channels = [np.interp(share, _RAMP_AT, _RAMP_RGB[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _inside(folder: Path, name: str) -> Path:
    """folder / name, for names that stay below it on any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    escapes = posix.is_absolute() or windows.anchor or ".." in posix.parts or ".." in windows.parts
    if escapes or not posix.name or "\0" in name:
        raise InputError(f"image name {name!r}: leads out of the output folder. Rename the photo")
    return folder / posix
