"""COLMAP models read: where in a folder they are, all of one, or only the cameras and poses of its images."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.transforms import camera_centre
from dust3r_sfm.io.colmap.binary import (
    read_binary_cameras,
    read_binary_frames,
    read_binary_images,
    read_binary_rigs,
    read_binary_tracks,
)
from dust3r_sfm.io.colmap.records import (
    ModelRecords,
    check_cameras,
    check_rigs,
    check_tracks,
    unique,
)
from dust3r_sfm.io.colmap.text import read_text_cameras, read_text_images, read_text_tracks
from dust3r_sfm.types import Camera, Rigid

_logger = logging.getLogger(__name__)

_BELOW = ("sparse", "colmap/sparse", "model", ".")
_PARTS = ("cameras", "images", "points3D")
_Part = TypeVar("_Part")


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


def model_folders(folder: Path) -> list[Path]:
    """Where COLMAP, hloc, GLOMAP and nerfstudio leave models: the folder itself, or those of the first of the
    usual folders below it that has any, the one with most images first. Raises InputError for a model whose
    images cannot be counted because they are damaged."""
    if _kind(folder) is not None:
        return [folder]
    for below in _BELOW:
        place = folder / below
        inside = sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
        if found := [path for path in (place, *inside) if _kind(path) is not None]:
            return sorted(found, key=lambda path: -len(read_posed_cameras(path))) if len(found) > 1 else found
    return []


def model_folder(folder: Path) -> Path | None:
    """The first of them. That there are others is logged: COLMAP's mapper leaves several, of which 0
    need not be the largest."""
    found = model_folders(folder)
    if len(found) > 1:
        _logger.warning(
            "%s holds %d models; %s is taken, which has most images: name another one to take that",
            *(folder, len(found), found[0]),
        )
    return found[0] if found else None


def _kind(folder: Path) -> str | None:
    """bin or txt, as COLMAP takes them, if the folder itself holds a model's cameras and images."""
    return next((kind for kind in ("bin", "txt") if all(_part(folder, p, kind) for p in _PARTS[:2])), None)


def _part(folder: Path, part: str, kind: str) -> bool:
    return (folder / f"{part}.{kind}").is_file()


def read_posed_cameras(folder: Path) -> dict[str, PosedCamera]:
    """The images of a model by name; empty if the folder holds none. Its points are not read, and need not be
    there. Raises InputError for a model that is damaged, or that names an image twice."""
    kind = _kind(folder)
    if kind is None:
        if alone := [k for k in ("bin", "txt") if _part(folder, "images", k)]:
            raise InputError(f"{folder}: has images.{alone[0]} and no cameras.{alone[0]}; a model needs both")
        return {}
    records = _read_records(folder, kind)
    return {
        image.name: PosedCamera(records.cameras[image.camera_id], image.cam_from_world)
        for image in records.images.values()
    }


def read_model(folder: Path) -> pycolmap.Reconstruction:
    """All of a model. Raises InputError for one that lacks a part, is damaged, or whose parts do not fit
    together: all that pycolmap's reader believes unseen is looked at before."""
    kind = next((k for k in ("bin", "txt") if all(_part(folder, part, k) for part in _PARTS)), None)
    if kind is None:
        lost = next((p for p in _PARTS if not (_part(folder, p, "bin") or _part(folder, p, "txt"))), "images")
        raise InputError(
            f"{folder}: has no {lost}.bin or .txt; a COLMAP model needs all of {', '.join(_PARTS)} in one "
            "form (an empty points3D.txt will do)"
        )
    records = _read_records(folder, kind)
    tracks = _read(folder, f"points3D.{kind}", read_binary_tracks if kind == "bin" else read_text_tracks)
    _checked(folder, lambda: check_tracks(records, tracks))
    if kind == "bin" and _part(folder, "rigs", kind) and _part(folder, "frames", kind):
        rigs = unique("the rig", _read(folder, "rigs.bin", read_binary_rigs))
        frames = unique("the frame", _read(folder, "frames.bin", read_binary_frames))
        _checked(folder, lambda: check_rigs(records, rigs, frames))
    return _read_natively(folder, kind, records, len(tracks.point_ids))


def _read_natively(folder: Path, kind: str, records: ModelRecords, points: int) -> pycolmap.Reconstruction:
    model = pycolmap.Reconstruction()
    try:
        (model.read_binary if kind == "bin" else model.read_text)(str(folder))
    except Exception as error:  # pycolmap raises many kinds.
        raise _unreadable(folder, error) from error
    for number in model.images.keys() & records.images.keys():
        # Its reader of text cuts names at the first blank.
        model.images[number].name = records.images[number].name
    posed = {number for number, image in model.images.items() if image.has_pose}
    if posed != set(records.images) or len(model.points3D) != points:
        raise InputError(
            f"{folder}: COLMAP's reader finds {len(posed)} posed images and {len(model.points3D)} points "
            f"where {len(records.images)} and {points} are written (each image in images.txt needs a second "
            "line, empty where it shows no points); write it again"
        )
    return model


def pose_of_image(image: pycolmap.Image) -> Rigid:
    """cam_from_world of an image that has a pose."""
    return np.vstack([image.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]])


def _read_records(folder: Path, kind: str) -> ModelRecords:
    read_cameras, read_images = (
        (read_binary_cameras, read_binary_images) if kind == "bin" else (read_text_cameras, read_text_images)
    )
    cameras, images = (
        _read(folder, f"cameras.{kind}", read_cameras),
        _read(folder, f"images.{kind}", read_images),
    )
    records = _checked(
        folder, lambda: ModelRecords(unique("the camera", cameras), unique("the image", images))
    )
    _checked(folder, lambda: check_cameras(records))
    return records


def _read(folder: Path, name: str, read: Callable[[Path], _Part]) -> _Part:
    return _checked(folder / name, lambda: read(folder / name))


def _checked(place: Path, ask: Callable[[], _Part]) -> _Part:
    try:
        return ask()
    except (ValueError, OSError) as error:
        raise _unreadable(place, error) from error


def _unreadable(place: Path, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [""])[0]
    return InputError(f"{place}: not a readable COLMAP model ({reason}); write it again")
