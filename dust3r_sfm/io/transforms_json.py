"""transforms.json read, as nerfstudio and instant-ngp write it: cameras and poses without points."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Camera, Rigid

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenCV's camera looks along +z with y down, OpenGL's along -z with y up."""
_PINHOLE, _OPENCV, _FISHEYE = ("fl_x", "fl_y", "cx", "cy"), ("k1", "k2", "p1", "p2"), ("k1", "k2", "k3", "k4")
_PARAMS = {
    "PINHOLE": _PINHOLE,
    "SIMPLE_PINHOLE": _PINHOLE,
    "OPENCV": (*_PINHOLE, *_OPENCV),
    "OPENCV_FISHEYE": (*_PINHOLE, *_FISHEYE),
}
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""What is raised on values of the wrong kind."""


@dataclass(frozen=True)
class Transforms:
    """What a transforms.json says, by each photo's path as it is written there."""

    fields: Mapping[str, Mapping[str, Any]]
    """What holds for each photo: its own fields, and those of the whole file that it does not have."""
    cam_from_world: Mapping[str, Rigid]
    """OpenCV axes. The world is that of the file, whatever transform made it."""


def read_transforms(file: Path) -> Transforms:
    """Raises InputError for a file that cannot be read. The photos need not be there."""
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        frames = {str(frame["file_path"]): frame for frame in written["frames"]}
        poses = {name: _cam_from_world(frame) for name, frame in frames.items()}
        return Transforms({name: {**written, **frame} for name, frame in frames.items()}, poses)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give another file") from error
    except MALFORMED as error:
        raise InputError(f"{file}: is not a transforms.json of nerfstudio ({error!r})") from error


def read_transforms_poses(file: Path) -> dict[str, Rigid]:
    """cam_from_world by photo name, which is the path below the folder images/ where there is one. Raises
    InputError for a file that cannot be read."""
    poses = read_transforms(file).cam_from_world
    return {name.removeprefix("./").removeprefix("images/"): pose for name, pose in poses.items()}


def written_size(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    """(width, height) of a photo in pixels; None where it is not written."""
    return (int(fields["w"]), int(fields["h"])) if "w" in fields and "h" in fields else None


def camera_of_fields(fields: Mapping[str, Any], size: tuple[int, int]) -> Camera:
    """The camera of a photo of this (width, height). Raises one of `MALFORMED` where it is not understood."""
    width, height = size
    values = dict(fields)
    if "fl_x" not in values:
        values["fl_x"] = width / 2 / math.tan(float(values["camera_angle_x"]) / 2)
    values.setdefault("fl_y", values["fl_x"])
    values.setdefault("cx", width / 2)
    values.setdefault("cy", height / 2)
    bent = any(float(values.get(key, 0.0)) != 0.0 for key in _OPENCV)
    model = str(values.get("camera_model") or ("OPENCV" if bent else "PINHOLE"))
    params = tuple(float(values.get(key, 0.0)) for key in _PARAMS[model])
    return Camera("PINHOLE" if model == "SIMPLE_PINHOLE" else model, width, height, params)


def _cam_from_world(frame: Mapping[str, Any]) -> Rigid:
    """From OpenGL's camera-to-world: there y is up and z backward."""
    matrix = np.array(frame["transform_matrix"], dtype=np.float64)
    if matrix.shape not in ((4, 4), (3, 4)) or not np.isfinite(matrix).all():
        raise ValueError(f"transform_matrix of shape {matrix.shape}, or not finite")
    return np.linalg.inv(np.vstack([matrix[:3], [0.0, 0.0, 0.0, 1.0]]) @ OPENCV_FROM_OPENGL)
