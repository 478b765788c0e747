"""A rendered room of which some photos are references with true cameras, and the others are to be placed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from rendered_room import RenderedRoom

from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.types import Camera, Localization, Rigid

QUERIES = (1, 3)
COUNT = 5


@dataclass(frozen=True)
class PosedRoom:
    """`folder` has images/ with all photos and model/, a COLMAP model of those that are no queries."""

    room: RenderedRoom
    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def photo(self, index: int) -> Path:
        return self.folder / "images" / f"{index}.png"

    def truth(self, index: int) -> Rigid:
        return self.room.rig.cam_from_world[index]

    def camera(self, index: int) -> Camera:
        return self.room.rig.cameras[index]


def write_model(room: RenderedRoom, indices: Sequence[int], folder: Path) -> None:
    model = pycolmap.Reconstruction()
    for index in indices:
        camera = room.rig.cameras[index]
        params = list(camera.params)
        model.add_camera_with_trivial_rig(
            pycolmap.Camera(
                camera_id=index + 1, model="PINHOLE", width=camera.width, height=camera.height, params=params
            )
        )
        image = pycolmap.Image(name=f"{index}.png", camera_id=index + 1, image_id=index + 1)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(room.rig.cam_from_world[index][:3]))
    folder.mkdir(parents=True)
    model.write_text(str(folder))


def errors(found: Localization | None, truth: Rigid) -> tuple[float, float]:
    """Degrees, and distance of the centres in world units (the room is a few wide)."""
    assert found is not None
    turn = found.cam_from_world[:3, :3] @ truth[:3, :3].T
    centres = (invert_rigid(pose)[:3, 3] for pose in (found.cam_from_world, truth))
    first, second = centres
    return float(rotation_angle_deg(turn)), float(np.linalg.norm(first - second))
