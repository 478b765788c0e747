"""Small rendered photos of made-up rooms with their exact geometry, rendered once a test session."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.synthetic.cameras import Rig, arc_cameras
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import View

WIDTH, HEIGHT, FOCAL = 320, 240, 256.0


@dataclass(frozen=True)
class RenderedRoom:
    """Photos of a room and what is true of them."""

    rig: Rig
    images: tuple[UInt8[np.ndarray, "h w 3"], ...]
    depths: tuple[Float[np.ndarray, "h w"], ...]

    def views(self) -> list[View]:
        return [
            View(f"{index}.png", image, np.eye(3), (WIDTH, HEIGHT)) for index, image in enumerate(self.images)
        ]

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for index, image in enumerate(self.images):
            Image.fromarray(image).save(folder / f"{index}.png")


def render_room(seed: int, count: int = 3) -> RenderedRoom:
    """`count` photos from an arc, 10 degrees apart."""
    scene = room_scene(seed)
    rig = arc_cameras(scene, count, WIDTH, HEIGHT, FOCAL, seed=seed)
    photos = [
        render(scene, camera, pose) for camera, pose in zip(rig.cameras, rig.cam_from_world, strict=True)
    ]
    return RenderedRoom(rig, tuple(p.image for p in photos), tuple(p.depth for p in photos))
