"""Posed cameras out of COLMAP models, and which photo of one is which of another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from dust3r_sfm.io.colmap_model import PosedImage, read_posed_images
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


def read_posed_cameras(folder: Path) -> dict[str, PosedCamera]:
    """Cameras of the registered photos of a COLMAP model by name; empty if the folder holds none. A text
    model needs no points3D.txt. Raises InputError for a damaged model."""
    return {name: _posed_camera(image) for name, image in read_posed_images(folder).items()}


def matched(estimated: Mapping[str, _Estimate], true_names: Mapping[str, object]) -> dict[str, _Estimate]:
    """What was estimated under its true name: the same name, or where that is missing, the same file name
    without folders and suffix, if no other photo has it."""
    counts = Counter(_stem(name) for name in estimated)
    by_stem = {_stem(name): found for name, found in estimated.items() if counts[_stem(name)] == 1}
    found = {name: estimated.get(name, by_stem.get(_stem(name))) for name in true_names}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _posed_camera(image: PosedImage) -> PosedCamera:
    camera = image.camera
    size = camera.width, camera.height
    return PosedCamera(image.cam_from_world, size, camera.focals, camera.principal_point)
