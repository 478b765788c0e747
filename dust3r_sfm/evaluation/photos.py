"""Posed photos out of COLMAP models and poses files, and which photo of one is which of another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
import pycolmap
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import rigid
from dust3r_sfm.types import Rigid

_TWO_FOCALS = ("PINHOLE", "OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV")
_Estimate = TypeVar("_Estimate")


@dataclass(frozen=True)
class PosedPhoto:
    """A photo with its camera, out of a COLMAP model."""

    cam_from_world: Rigid
    """OpenCV axes of the stored file."""
    size: tuple[int, int]
    """(width, height) of the file in pixels."""
    focal: tuple[float, float]
    """(fx, fy) in pixels of the file."""
    principal: tuple[float, float]
    """(cx, cy) in continuous pixels of the file."""

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """In the world."""
        return camera_centre(self.cam_from_world)

    @property
    def relative_focal(self) -> float:
        return sum(self.focal) / 2 / max(self.size)


def camera_centre(cam_from_world: Rigid) -> Float[np.ndarray, "3"]:
    return -cam_from_world[:3, :3].T @ cam_from_world[:3, 3]


def read_model(folder: Path) -> dict[str, PosedPhoto]:
    """Registered photos of a COLMAP model by name; empty if the folder holds none. Text is read without
    pycolmap, so that a ground truth needs no points3D.txt. Raises InputError for a damaged model."""
    try:
        if (folder / "images.bin").exists():
            return _read_binary(folder)
        return _read_text(folder) if (folder / "images.txt").exists() else {}
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise InputError(f"{folder}: is no readable COLMAP model ({error}); export it again") from error


def read_poses(path: Path) -> dict[str, Rigid]:
    """cam_from_world by name, from lines `name qw qx qy qz tx ty tz` as localization writes them; lines that
    begin with # are passed over. Raises InputError for a file that cannot be read."""
    try:
        lines = _lines(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path") from error
    poses = {}
    for line in filter(str.strip, lines):
        name, *fields = line.rsplit(maxsplit=7)
        try:
            poses[name] = _pose(fields)
        except ValueError as error:
            raise InputError(
                f"{path}: '{line.strip()[:60]}' is not 'name qw qx qy qz tx ty tz'; mend or remove the line"
            ) from error
    return poses


def matched(estimated: Mapping[str, _Estimate], true_names: Mapping[str, object]) -> dict[str, _Estimate]:
    """What was estimated under its true name: the same name, or where that is missing, the same file name
    without folders and suffix, if no other photo has it."""
    counts = Counter(_stem(name) for name in estimated)
    by_stem = {_stem(name): found for name, found in estimated.items() if counts[_stem(name)] == 1}
    found = {name: estimated.get(name, by_stem.get(_stem(name))) for name in true_names}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _read_binary(folder: Path) -> dict[str, PosedPhoto]:
    model = pycolmap.Reconstruction(folder)
    return {
        image.name: _posed(
            _homogeneous(image.cam_from_world().matrix()),
            image.camera.model.name,
            (image.camera.width, image.camera.height),
            list(image.camera.params),
        )
        for image in model.images.values()
        if image.has_pose
    }


def _read_text(folder: Path) -> dict[str, PosedPhoto]:
    cameras = {}
    for line in filter(str.strip, _lines(folder / "cameras.txt")):
        number, model, width, height, *params = line.split()
        cameras[number] = (model, (int(width), int(height)), [float(value) for value in params])
    photos = {}
    # every photo has a second line, of 2D points
    for line in filter(str.strip, _lines(folder / "images.txt")[::2]):
        _, *pose, camera, name = line.split(maxsplit=9)
        photos[name] = _posed(_pose(pose), *cameras[camera])
    return photos


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def _pose(fields: list[str]) -> Rigid:
    """Of qw qx qy qz tx ty tz. Raises ValueError for anything else."""
    w, x, y, z, *translation = (float(field) for field in fields)
    return rigid(Rotation.from_quat([x, y, z, w]).as_matrix(), np.array(translation).reshape(3))


def _homogeneous(matrix: Float[np.ndarray, "3 4"]) -> Rigid:
    return rigid(matrix[:, :3], matrix[:, 3])


def _posed(cam_from_world: Rigid, model: str, size: tuple[int, int], params: list[float]) -> PosedPhoto:
    fx, *rest = params
    fy, cx, cy = rest[:3] if model in _TWO_FOCALS else (fx, *rest[:2])
    return PosedPhoto(cam_from_world, size, (fx, fy), (cx, cy))
