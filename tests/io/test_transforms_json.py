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
    size_of_fields,
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
    assert [size_of_fields(found.fields[name]) for name in found.fields] == [(64, 48), (30, 48)]
    camera = camera_of_fields(found.fields["images/in/b.png"], (30, 48))
    assert (camera.model, camera.params) == ("PINHOLE", (70.0, 70.0, 15.0, 24.0))
    poses = read_transforms_poses(file)
    assert set(poses) == {"a.png", "in/b.png"}
    np.testing.assert_allclose(np.stack(list(poses.values())), np.broadcast_to(np.eye(4), (2, 4, 4)))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_transforms(tmp_path / "transforms.json")


def lens(**fields: object) -> tuple[str, tuple[float, ...]]:
    camera = camera_of_fields({"fl_x": 50.0, "cx": 32.0, "cy": 24.0, **fields}, (64, 48))
    return camera.model, camera.params[4:]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("PINHOLE", ())),
        ({"camera_model": "OPENCV"}, ("OPENCV", (0, 0, 0, 0))),
        ({"k1": 0.1}, ("OPENCV", (0.1, 0, 0, 0))),
        ({"camera_model": "SIMPLE_RADIAL", "k1": 0.1}, ("OPENCV", (0.1, 0, 0, 0))),
        ({"camera_model": "PINHOLE", "p2": 0.01}, ("OPENCV", (0, 0, 0, 0.01))),
        ({"k1": 0.1, "k2": 0.2, "k3": 0.3, "p1": 0.4}, ("FULL_OPENCV", (0.1, 0.2, 0.4, 0, 0.3, 0, 0, 0))),
        ({"is_fisheye": True, "k3": 0.3, "p1": 0}, ("OPENCV_FISHEYE", (0, 0, 0.3, 0))),
        ({"camera_model": "OPENCV_FISHEYE", "k4": 0.4}, ("OPENCV_FISHEYE", (0, 0, 0, 0.4))),
    ],
)
def test_the_fields_of_a_lens(fields: dict[str, object], expected: tuple[str, tuple[float, ...]]) -> None:
    assert lens(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"camera_model": "EQUIRECTANGULAR"}, "'EQUIRECTANGULAR' is not read"),
        ({"camera_model": 7}, "'7' is not read"),
        ({"k4": 0.1}, "name the model"),
        ({"is_fisheye": True, "p1": 0.1}, "fisheye lens with p1"),
        ({"fl_x": -50.0}, "focal of -50"),
        ({"fl_y": 0}, "focal of 0"),
        ({"fl_x": "a"}, "no number"),
        ({"cx": [1]}, "no number"),
        ({"fl_x": None}, "neither fl_x nor"),
        ({"fl_x": None, "camera_angle_x": 4.0}, "no angle of view"),
    ],
)
def test_what_no_camera_has(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lens(**fields)


def test_both_angles_of_view() -> None:
    fields = {"camera_angle_x": 2 * np.arctan(0.5), "camera_angle_y": 2 * np.arctan(0.25)}
    np.testing.assert_allclose(camera_of_fields(fields, (64, 48)).params, (64, 96, 32, 24))


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ((2 * np.array(IDENTITY)).tolist(), "scales by 2"),
        (np.diag([1.0, 1.0, -1.0, 1.0]).tolist(), "mirrors"),
        (np.zeros((4, 4)).tolist(), "no rotation"),
        (np.diag([1.0, -1.0, -1.0, 1.0])[:2].tolist(), "4 rows|rows of 4"),
        ("text", "rows of 4"),
        (None, "rows of 4"),
        ([[1, 0, 0, 1e300], [0, -1, 0, 0], [0, 0, -1, 0]], "far too large"),
        ([[1, 0, 0, "x"], [0, -1, 0, 0], [0, 0, -1, 0]], "no number"),
    ],
)
def test_what_is_no_pose(matrix: object, said: str, tmp_path: Path) -> None:
    file = tmp_path / "transforms.json"
    file.write_text(json.dumps({"frames": [{"file_path": "a.png", "transform_matrix": matrix}]}))
    with pytest.raises(InputError, match=f"'a.png' is no pose: .*({said})"):
        read_transforms(file)


def test_one_photo_twice(tmp_path: Path) -> None:
    file = tmp_path / "transforms.json"
    frame = {"file_path": "a.png", "transform_matrix": IDENTITY}
    file.write_text(json.dumps({"frames": [frame, frame]}))
    with pytest.raises(InputError, match=r"has 'a.png' twice"):
        read_transforms(file)
