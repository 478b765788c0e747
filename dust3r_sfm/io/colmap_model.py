"""COLMAP models read: where in a folder one is, all of it, or only the cameras and poses of its images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import rigid
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.geometry.transforms import camera_centre
from dust3r_sfm.io.intrinsics import intrinsics_lines, named_camera
from dust3r_sfm.types import Camera, Rigid

_BELOW = (".", "sparse/0", "sparse", "colmap/sparse/0", "0", "model")
_PARTS = ("cameras", "images", "points3D")
# What pycolmap raises on files that are cut short or of another kind.
_UNREADABLE = (RuntimeError, ValueError, IndexError, KeyError, OverflowError, MemoryError, OSError)


@dataclass(frozen=True)
class PosedCamera:
    """The camera of a photo, and where it was."""

    camera: Camera
    """Of the stored file, with its lens."""
    cam_from_world: Rigid
    """OpenCV axes of the stored file, before any EXIF rotation."""

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """In the world."""
        return camera_centre(self.cam_from_world)


def model_folder(folder: Path) -> Path | None:
    """The folder itself or the usual one below it, if it holds a COLMAP model's cameras and images."""
    candidates = (folder / below for below in _BELOW)
    return next((path for path in candidates if any(_is_model(path, kind) for kind in ("bin", "txt"))), None)


def _is_model(folder: Path, kind: str) -> bool:
    return (folder / f"cameras.{kind}").is_file() and (folder / f"images.{kind}").is_file()


def read_model(folder: Path) -> pycolmap.Reconstruction:
    """All of a model. Raises InputError where pycolmap cannot read it."""
    missing = [part for part in _PARTS if not any((folder / f"{part}.{k}").is_file() for k in ("bin", "txt"))]
    if missing:
        raise InputError(
            f"{folder}: has no {missing[0]}.bin or .txt; a COLMAP model needs all of "
            f"{', '.join(_PARTS)} (an empty points3D.txt will do)"
        )
    try:
        return pycolmap.Reconstruction(str(folder))
    except _UNREADABLE as error:
        raise _unreadable(folder, error) from error


def pose_of_image(image: pycolmap.Image) -> Rigid:
    """cam_from_world of an image that has a pose."""
    return np.vstack([image.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]])


def read_posed_cameras(folder: Path) -> dict[str, PosedCamera]:
    """Those of the images of a model that have a pose, by name; empty if the folder holds none. Of text only
    cameras.txt and images.txt are read, so that a ground truth needs no points3D.txt. Raises InputError for a
    model that cannot be read."""
    if (folder / "images.bin").exists():
        model = read_model(folder)
        cameras = {number: camera_from_pycolmap(camera) for number, camera in model.cameras.items()}
        posed = [image for image in model.images.values() if image.has_pose]
        return {image.name: PosedCamera(cameras[image.camera_id], pose_of_image(image)) for image in posed}
    return _posed_cameras_of_text(folder) if (folder / "images.txt").exists() else {}


def _posed_cameras_of_text(folder: Path) -> dict[str, PosedCamera]:
    try:
        cameras = dict(_camera(line) for line in intrinsics_lines(folder / "cameras.txt"))
        text = (folder / "images.txt").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        images = {}
        # Every image has a second line, of 2D points, which may be empty.
        for line in filter(str.strip, lines[::2]):
            _, *pose, camera, name = line.split(maxsplit=9)
            images[name] = PosedCamera(cameras[camera], pose_of_fields(pose))
        return images
    except (InputError, *_UNREADABLE) as error:
        raise _unreadable(folder, error) from error


def _camera(line: str) -> tuple[str, Camera]:
    """Number and camera of one line of cameras.txt."""
    found = named_camera(line)
    if found is None:
        raise ValueError(f"{line[:60]!r} is no camera of COLMAP's")
    return found


def pose_of_fields(fields: list[str]) -> Rigid:
    """cam_from_world of qw qx qy qz tx ty tz, as COLMAP and lists of poses have it. Raises ValueError for
    anything else."""
    w, x, y, z, *translation = (float(field) for field in fields)
    return rigid(Rotation.from_quat([x, y, z, w]).as_matrix(), np.array(translation).reshape(3))


def _unreadable(folder: Path, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [""])[0]
    return InputError(f"{folder}: not a readable COLMAP model ({reason}); write it again")
