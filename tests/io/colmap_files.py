"""A small COLMAP model with points, in both forms, for tests to damage."""

from pathlib import Path

import numpy as np
import pycolmap
from scipy.spatial.transform import Rotation

NAMES = tuple(f"in/{k} b.jpg" for k in range(6))


def posed_model(points: int = 5) -> pycolmap.Reconstruction:
    """Six images of one camera; every point is seen by the first two."""
    rng = np.random.default_rng(0)
    made = pycolmap.Reconstruction()
    params = [500.0, 510.0, 320.0, 240.0]
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=3, model="PINHOLE", width=640, height=480, params=params)
    )
    for number, name in enumerate(NAMES, start=1):
        turn = Rotation.from_rotvec(rng.normal(0, 0.3, 3)).as_matrix()
        image = pycolmap.Image(
            name=name, keypoints=rng.uniform(0, 400, (points, 2)), camera_id=3, image_id=10 * number
        )
        made.add_image_with_trivial_frame(
            image, pycolmap.Rigid3d(np.hstack([turn, rng.normal(0, 1, (3, 1))]))
        )
    for k in range(points):
        track = pycolmap.Track()
        track.add_element(10, k)
        track.add_element(20, k)
        made.add_point3D(rng.normal(0, 1, 3), track, np.zeros(3, np.uint8))
    return made


def write_model(folder: Path, kind: str, points: int = 5) -> Path:
    folder.mkdir(parents=True)
    model = posed_model(points)
    (model.write_binary if kind == "bin" else model.write_text)(str(folder))
    return folder
