"""Models in their two forms, whole and with what a ground truth lacks."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.io import model_folder, read_model, read_posed_cameras

POSE = rigid(rotation_from_vector(np.array([0.1, 0.2, -0.3])), np.array([1.0, 2.0, 3.0]))


def model() -> pycolmap.Reconstruction:
    made = pycolmap.Reconstruction()
    params = [100.0, 60.0, 45.0, 0.01]
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=7, model="SIMPLE_RADIAL", width=120, height=90, params=params)
    )
    image = pycolmap.Image(name="in/a b.jpg", keypoints=np.zeros((0, 2)), camera_id=7, image_id=3)
    made.add_image_with_trivial_frame(image, pycolmap.Rigid3d(POSE[:3]))
    return made


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_posed_images_of_both_forms(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "sparse" / "0"
    folder.mkdir(parents=True)
    (model().write_binary if kind == "bin" else model().write_text)(str(folder))
    assert model_folder(tmp_path) == folder
    assert set(read_model(folder).cameras) == {7}
    if kind == "txt":
        (folder / "points3D.txt").unlink()
    images = read_posed_cameras(folder)
    np.testing.assert_allclose(images["in/a b.jpg"].cam_from_world, POSE, atol=1e-12)
    camera = images["in/a b.jpg"].camera
    assert (camera.model, camera.width, camera.height) == ("SIMPLE_RADIAL", 120, 90)
    assert camera.params == (100.0, 60.0, 45.0, 0.01)


def test_no_model(tmp_path: Path) -> None:
    assert model_folder(tmp_path) is None
    assert read_posed_cameras(tmp_path) == {}
    with pytest.raises(InputError, match=r"has no cameras.bin or .txt; a COLMAP model needs all of"):
        read_model(tmp_path)


def test_a_damaged_model_is_named(tmp_path: Path) -> None:
    for part in ("cameras", "images", "points3D"):
        (tmp_path / f"{part}.bin").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a readable COLMAP model"):
        read_posed_cameras(tmp_path)
    for part in ("cameras", "images", "points3D"):
        (tmp_path / f"{part}.bin").unlink()
    (tmp_path / "images.txt").write_text("1 0 1 0 0 0 0 2 7 a.jpg\n\n")
    with pytest.raises(InputError, match=r"has images.txt and no cameras.txt"):
        read_posed_cameras(tmp_path)
    for cameras in ("7 UNKNOWN 120 90 100.0 60.0 45.0", "8 PINHOLE 120 90 100.0 100.0 60.0 45.0"):
        (tmp_path / "cameras.txt").write_text(cameras)
        with pytest.raises(InputError, match=r"not a readable COLMAP model \(.*(none of COLMAP|camera 7)"):
            read_posed_cameras(tmp_path)
