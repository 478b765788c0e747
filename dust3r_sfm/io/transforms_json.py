"""transforms.json read, as nerfstudio and instant-ngp write it: cameras and poses without points."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap.records import camera_record
from dust3r_sfm.io.text_files import read_json
from dust3r_sfm.io.values import finite_number, image_size, quoted, rigid_from_matrix
from dust3r_sfm.types import Camera, Rigid

OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""OpenCV's camera looks along +z with y down, OpenGL's along -z with y up."""
_PERSPECTIVE = (None, "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
"""nerfstudio reads the same fields of all of these: a lens is there if its fields are not 0."""
_RADIAL, _TANGENTIAL = ("k1", "k2", "k3", "k4"), ("p1", "p2")
_RATIONAL = ("k5", "k6")


@dataclass(frozen=True)
class Transforms:
    """What a transforms.json says, by each photo's path as it is written there."""

    fields: Mapping[str, Mapping[str, Any]]
    """What holds for each photo: its own fields, and those of the whole file that it does not have."""
    cam_from_world: Mapping[str, Rigid]
    """OpenCV axes. The world is that of the file, whatever transform made it."""


def read_transforms(file: Path) -> Transforms:
    """Raises InputError for a file that cannot be read, that has a photo twice, or a matrix that is no pose.
    The photos need not be there."""
    written = read_json(file)
    frames = written.get("frames") if isinstance(written, dict) else None
    if not isinstance(frames, list):
        raise InputError(f"{file}: is not a transforms.json of nerfstudio (it has no list of frames)")
    fields: dict[str, Mapping[str, Any]] = {}
    poses: dict[str, Rigid] = {}
    for number, frame in enumerate(frames):
        name = frame.get("file_path") if isinstance(frame, dict) else None
        if not isinstance(name, str) or not name:
            raise InputError(
                f"{file}: is not a transforms.json of nerfstudio (frame {number} has no file_path)"
            )
        if name in poses:
            raise InputError(f"{file}: has {quoted(name)} twice; keep one of its frames")
        try:
            poses[name] = _cam_from_world(frame.get("transform_matrix"))
        except ValueError as error:
            raise InputError(f"{file}: the transform_matrix of {quoted(name)} is no pose: {error}") from error
        fields[name] = {**written, **frame}
    return Transforms(fields, poses)


def read_transforms_poses(file: Path) -> dict[str, Rigid]:
    """cam_from_world by photo name, which is the path below the folder images/ where there is one. Raises
    InputError for a file that cannot be read."""
    poses = read_transforms(file).cam_from_world
    return {name.removeprefix("./").removeprefix("images/"): pose for name, pose in poses.items()}


def size_of_fields(fields: Mapping[str, Any]) -> tuple[int, int] | None:
    """(width, height) of a photo in pixels; None where it is not written. Raises ValueError for another."""
    return image_size(fields["w"], fields["h"]) if "w" in fields and "h" in fields else None


def camera_of_fields(fields: Mapping[str, Any], size: tuple[int, int]) -> Camera:
    """The camera of a photo of this (width, height). Raises ValueError for values that no camera has, and for
    lenses that these fields cannot tell: another lens in their place would bend every ray unseen."""
    width, height = size
    fl_x = _focal(fields, "fl_x", "camera_angle_x", width)
    fl_y = _focal(fields, "fl_y", "camera_angle_y", height)
    if fl_x is None and fl_y is None:
        raise ValueError("it has neither fl_x nor camera_angle_x")
    horizontal, vertical = (fl_y if fl_x is None else fl_x), (fl_x if fl_y is None else fl_y)
    centre = [_number(fields, key, middle) for key, middle in (("cx", width / 2), ("cy", height / 2))]
    model, lens = _lens(fields)
    return camera_record(model, width, height, [horizontal, vertical, *centre, *lens])


def _focal(fields: Mapping[str, Any], pixels: str, angle: str, side: int) -> float | None:
    if fields.get(pixels) is not None:
        return finite_number(fields[pixels])
    if fields.get(angle) is None:
        return None
    opening = finite_number(fields[angle])
    if not 0 < opening < math.pi:
        raise ValueError(f"{angle} {opening:g} is no angle of view in radians")
    return side / 2 / math.tan(opening / 2)


def _lens(fields: Mapping[str, Any]) -> tuple[str, tuple[float, ...]]:
    """COLMAP's model of the lens, and its params behind the principal point."""
    model = fields.get("camera_model")
    fisheye = model == "OPENCV_FISHEYE" or fields.get("is_fisheye") is True
    radial = tuple(_number(fields, key, 0.0) for key in _RADIAL)
    tangential = tuple(_number(fields, key, 0.0) for key in _TANGENTIAL)
    rational = tuple(_number(fields, key, 0.0) for key in _RATIONAL)
    if not fisheye and model not in _PERSPECTIVE:
        raise ValueError(f"the camera_model {quoted(str(model))} is not read here: write perspective photos")
    if fisheye:
        if any(tangential) or any(rational):
            raise ValueError("a fisheye lens with p1 or p2 is none that COLMAP knows")
        return "OPENCV_FISHEYE", radial
    if model == "FULL_OPENCV":
        return model, (*radial[:2], *tangential, *radial[2:], *rational)
    # k4 is nerfstudio's fourth radial term there, and a term below the line for OpenCV: who wrote it?
    if radial[3] or any(rational):
        raise ValueError("k4, k5 or k6 mean several things in a perspective lens; name the model FULL_OPENCV")
    if radial[2]:
        return "FULL_OPENCV", (*radial[:2], *tangential, radial[2], 0.0, 0.0, 0.0)
    bent = any(radial) or any(tangential) or model == "OPENCV"
    return ("OPENCV", (*radial[:2], *tangential)) if bent else ("PINHOLE", ())


def _number(fields: Mapping[str, Any], key: str, default: float) -> float:
    value = fields.get(key)
    return default if value is None else finite_number(value)


def _cam_from_world(written: object) -> Rigid:
    """From OpenGL's camera-to-world: there y is up and z backward."""
    rows = written if isinstance(written, list) else []
    if len(rows) not in (3, 4) or any(not isinstance(row, list) or len(row) != 4 for row in rows):
        raise ValueError("it has not 4 (or 3) rows of 4 numbers")
    matrix = np.array([[finite_number(value) for value in row] for row in rows])
    world_from_cam = rigid_from_matrix(np.vstack([matrix[:3], [0.0, 0.0, 0.0, 1.0]]))
    return np.linalg.inv(world_from_cam @ OPENCV_FROM_OPENGL)
