"""What is known of cameras beforehand, by photo name, from the files that people have."""

import json
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.alignment import Presets
from dust3r_sfm.errors import InputError
from dust3r_sfm.pipeline.known.cameras import presets_of_views
from dust3r_sfm.pipeline.known.config import KnownCameras
from dust3r_sfm.types import Camera, View

POSE = np.array([[0.0, -1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 1.0, 3.0], [0.0, 0.0, 0.0, 1.0]])
CAMERA = "1 SIMPLE_RADIAL 48 36 50 24 18 -0.1\n"
IMAGE = "1 0.7071067811865476 0 0 0.7071067811865476 1 2 3 1 sub/a.jpg\n\n"


def view(name: str) -> View:
    return View(name, np.zeros((36, 48, 3), np.uint8), np.eye(3), (48, 36))


VIEWS = [view("sub/a.jpg"), view("b.jpg")]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A COLMAP model that knows one of the photos, and one that is not there."""
    folder = tmp_path / "sparse" / "0"
    folder.mkdir(parents=True)
    (folder / "cameras.txt").write_text(CAMERA)
    (folder / "images.txt").write_text(IMAGE + IMAGE.replace("1 0.7", "2 0.7", 1).replace("sub/a", "gone"))
    (folder / "points3D.txt").write_text("")
    return tmp_path


def test_one_focal_is_that_of_every_photo() -> None:
    found = presets_of_views(KnownCameras(focal_px=50.0), Presets(), VIEWS)
    assert found.focal_px == {"sub/a.jpg": 50.0, "b.jpg": 50.0}


def test_cameras_and_poses_of_a_model(model: Path) -> None:
    found = presets_of_views(KnownCameras(cameras=model, poses=model), Presets(), VIEWS)
    assert found.cameras == {"sub/a.jpg": Camera("SIMPLE_RADIAL", 48, 36, (50.0, 24.0, 18.0, -0.1))}
    assert list(found.cam_from_world) == ["sub/a.jpg"]
    np.testing.assert_allclose(found.cam_from_world["sub/a.jpg"], POSE, atol=1e-12)


def test_what_a_caller_says_holds(model: Path) -> None:
    own = Presets(cam_from_world={"sub/a.jpg": np.eye(4)})
    found = presets_of_views(KnownCameras(poses=model), own, VIEWS)
    np.testing.assert_array_equal(found.cam_from_world["sub/a.jpg"], np.eye(4))


def test_cameras_of_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "cameras.txt"
    file.write_text("1 PINHOLE 48 36 50 51 24 18\n")
    found = presets_of_views(KnownCameras(cameras=file), Presets(), VIEWS)
    assert found.cameras == dict.fromkeys(
        ("sub/a.jpg", "b.jpg"), Camera.pinhole(48, 36, 50.0, 51.0, 24.0, 18.0)
    )


def test_poses_of_a_transforms_file(tmp_path: Path) -> None:
    opengl = np.linalg.inv(POSE) @ np.diag([1.0, -1.0, -1.0, 1.0])
    file = tmp_path / "transforms.json"
    frame = {"file_path": "images/sub/a.jpg", "transform_matrix": opengl.tolist()}
    file.write_text(json.dumps({"frames": [frame]}))
    found = presets_of_views(KnownCameras(poses=file), Presets(), VIEWS)
    np.testing.assert_allclose(found.cam_from_world["sub/a.jpg"], POSE, atol=1e-12)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (KnownCameras(focal_px=-1.0), "-1.0 pixels"),
        (KnownCameras(cameras=Path("nowhere")), "nowhere: cannot be read"),
        (KnownCameras(poses=Path("nowhere")), "nowhere: is no COLMAP model"),
    ],
)
def test_what_cannot_be(known: KnownCameras, says: str) -> None:
    with pytest.raises(InputError, match=says):
        presets_of_views(known, Presets(), VIEWS)


def test_files_that_name_none_of_the_photos(model: Path) -> None:
    for known in (KnownCameras(cameras=model), KnownCameras(poses=model)):
        with pytest.raises(InputError, match="none of the 1 photos"):
            presets_of_views(known, Presets(), [view("c.jpg")])
