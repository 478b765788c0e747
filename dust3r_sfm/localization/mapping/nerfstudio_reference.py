"""Reference sets out of transforms.json, as nerfstudio and instant-ngp write it: cameras without points."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.decoding import UnusablePhotoError, open_picture
from dust3r_sfm.localization.mapping.photo_files import found_photos
from dust3r_sfm.localization.mapping.reference import PosedPhoto, Reference
from dust3r_sfm.types import LensCamera, Rigid

_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_PINHOLE, _OPENCV, _FISHEYE = ("fl_x", "fl_y", "cx", "cy"), ("k1", "k2", "p1", "p2"), ("k1", "k2", "k3", "k4")
_PARAMS = {
    "PINHOLE": _PINHOLE,
    "SIMPLE_PINHOLE": _PINHOLE,
    "OPENCV": (*_PINHOLE, *_OPENCV),
    "OPENCV_FISHEYE": (*_PINHOLE, *_FISHEYE),
}
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError)


def read_nerfstudio_set(file: Path, images: Path | None = None) -> Reference:
    """The world is that of the file, whatever transform made it. Raises InputError for a file that cannot
    be read, a camera model other than `_PARAMS`, or photos that are not there."""
    written, frames, poses = _read(file)
    names = _with_suffixes(list(frames), file.parent if images is None else images)
    files, lost = found_photos(list(names), file.parent, images, {})
    photos, skipped = [], dict(lost)
    for name, path in files.items():
        try:
            camera = _camera({**written, **frames[names[name]]}, path)
            photos.append(PosedPhoto(name, path, camera, poses[names[name]]))
        except UnusablePhotoError as error:
            skipped[name] = str(error)
        except _MALFORMED as error:
            raise InputError(f"{file}: the camera of {name} is not understood ({error!r})") from error
    return Reference(file, tuple(photos), skipped=skipped)


def read_nerfstudio_poses(file: Path) -> dict[str, Rigid]:
    """cam_from_world by photo name, which is the path below the folder images/ where there is one. The photos
    need not be there. Raises InputError for a file that cannot be read."""
    _, _, poses = _read(file)
    return {name.removeprefix("./").removeprefix("images/"): pose for name, pose in poses.items()}


def _read(file: Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]], dict[str, Rigid]]:
    """All that is written; each photo's own part of it, and its pose, by its path in the file."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        frames = {str(frame["file_path"]): frame for frame in written["frames"]}
        return written, frames, {name: _cam_from_world(frame) for name, frame in frames.items()}
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give another file") from error
    except _MALFORMED as error:
        raise InputError(f"{file}: is not a transforms.json of nerfstudio ({error!r})") from error


def _cam_from_world(frame: Mapping[str, Any]) -> Rigid:
    """From OpenGL's camera-to-world: there y is up and z backward."""
    matrix = np.array(frame["transform_matrix"], dtype=np.float64)
    if matrix.shape not in ((4, 4), (3, 4)) or not np.isfinite(matrix).all():
        raise ValueError(f"transform_matrix of shape {matrix.shape}, or not finite")
    return np.linalg.inv(np.vstack([matrix[:3], [0.0, 0.0, 0.0, 1.0]]) @ _FROM_OPENGL)


def _with_suffixes(names: list[str], folder: Path) -> dict[str, str]:
    """File name -> name in the file: instant-ngp's synthetic sets leave .png off."""
    return {(n if Path(n).suffix or not (folder / f"{n}.png").is_file() else f"{n}.png"): n for n in names}


def _camera(fields: Mapping[str, Any], path: Path) -> LensCamera:
    width, height = _size(fields, path)
    values = dict(fields)
    if "fl_x" not in values:
        values["fl_x"] = width / 2 / math.tan(float(values["camera_angle_x"]) / 2)
    values.setdefault("fl_y", values["fl_x"])
    values.setdefault("cx", width / 2)
    values.setdefault("cy", height / 2)
    bent = any(float(values.get(key, 0.0)) != 0.0 for key in _OPENCV)
    model = str(values.get("camera_model") or ("OPENCV" if bent else "PINHOLE"))
    params = tuple(float(values.get(key, 0.0)) for key in _PARAMS[model])
    return LensCamera("PINHOLE" if model == "SIMPLE_PINHOLE" else model, width, height, params)


def _size(fields: Mapping[str, Any], path: Path) -> tuple[int, int]:
    if "w" in fields and "h" in fields:
        return int(fields["w"]), int(fields["h"])
    image: Image.Image
    with open_picture(path) as image:
        return image.size
