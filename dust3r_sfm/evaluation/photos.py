"""Posed cameras out of COLMAP models, and which photo of one is which of another."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from dust3r_sfm.io.colmap_model import PosedImage, read_posed_images
from dust3r_sfm.io.colmap_records import focal_indices
from dust3r_sfm.types import Rigid

_Estimate = TypeVar("_Estimate")


@dataclass(frozen=True)
class PosedCamera:
    """The pinhole of a photo, without its lens, and where it was."""

    cam_from_world: Rigid
    """OpenCV axes of the stored file."""
    size: tuple[int, int]
    """(width, height) of the file in pixels."""
    focal: tuple[float, float]
    """(fx, fy) in pixels of the file; nan where the model has none, as that of panoramas."""
    principal: tuple[float, float]
    """(cx, cy) in continuous pixels of the file; nan likewise."""

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """In the world."""
        return camera_centre(self.cam_from_world)

    @property
    def relative_focal(self) -> float:
        return sum(self.focal) / 2 / max(self.size)


def camera_centre(cam_from_world: Rigid) -> Float[np.ndarray, "3"]:
    return -cam_from_world[:3, :3].T @ cam_from_world[:3, 3]


def read_posed_cameras(folder: Path) -> dict[str, PosedCamera]:
    """Cameras of the registered photos of a COLMAP model by name; empty if the folder holds none. A text
    model needs no points3D.txt. Raises InputError for a damaged model."""
    return {name: _posed_camera(image) for name, image in read_posed_images(folder).items()}


def matched(estimated: Mapping[str, _Estimate], true_names: Iterable[str]) -> dict[str, _Estimate]:
    """What was estimated under its true name: the same name; or where that is missing, what is left over and
    whose path is the end of the true one or the other way round, suffixes aside (`images/a.png` is `a.jpg`),
    if no other is. Each estimate is used once: that of another folder's photo of one name stands for none."""
    names = list(dict.fromkeys(true_names))
    found = {name: estimated[name] for name in names if name in estimated}
    left: dict[str, list[str]] = {}
    for other in estimated:
        if other not in found:
            left.setdefault(_path(other)[-1], []).append(other)
    partners = {
        name: [other for other in left.get(_path(name)[-1], []) if _ends(_path(other), _path(name))]
        for name in names
        if name not in found
    }
    wanted = Counter(other for others in partners.values() for other in others)
    for name, others in partners.items():
        if len(others) == 1 and wanted[others[0]] == 1:
            found[name] = estimated[others[0]]
    return {name: found[name] for name in names if name in found}


def _path(name: str) -> tuple[str, ...]:
    """Folders, and the file's name without its suffix."""
    path = PurePosixPath(name)
    return (*path.parts[:-1], path.stem)


def _ends(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether one path is the end of the other."""
    shorter, longer = sorted((first, second), key=len)
    return longer[len(longer) - len(shorter) :] == shorter


def _posed_camera(image: PosedImage) -> PosedCamera:
    camera = image.camera
    focals = [camera.params[index] for index in focal_indices(camera.model)] or [math.nan]
    # In all of COLMAP's models that have a focal, the principal point follows it.
    behind = len(focal_indices(camera.model))
    principal = camera.params[behind : behind + 2] if behind else (math.nan, math.nan)
    return PosedCamera(
        image.cam_from_world,
        (camera.width, camera.height),
        (focals[0], focals[-1]),
        (principal[0], principal[1]),
    )
