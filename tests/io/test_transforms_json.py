"""Fields of the whole file and of a photo, and names without the folder images/."""

import json
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.transforms_json import (
    camera_of_fields,
    read_transforms,
    read_transforms_poses,
    written_size,
)

IDENTITY = np.diag([1.0, -1.0, -1.0, 1.0]).tolist()
"""OpenGL's camera to a world with the axes of OpenCV's."""


def test_a_photo_s_own_fields_come_first(tmp_path: Path) -> None:
    frames = [
        {"file_path": "./images/a.png", "transform_matrix": IDENTITY},
        {"file_path": "images/in/b.png", "transform_matrix": IDENTITY[:3], "fl_x": 70.0, "w": 30},
    ]
    file = tmp_path / "transforms.json"
    file.write_text(json.dumps({"w": 64, "h": 48, "fl_x": 50.0, "frames": frames}))
    found = read_transforms(file)
    assert [written_size(found.fields[name]) for name in found.fields] == [(64, 48), (30, 48)]
    camera = camera_of_fields(found.fields["images/in/b.png"], (30, 48))
    assert (camera.model, camera.params) == ("PINHOLE", (70.0, 70.0, 15.0, 24.0))
    poses = read_transforms_poses(file)
    assert set(poses) == {"a.png", "in/b.png"}
    np.testing.assert_allclose(np.stack(list(poses.values())), np.broadcast_to(np.eye(4), (2, 4, 4)))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_transforms(tmp_path / "transforms.json")
