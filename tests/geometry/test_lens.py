"""Pixels to rays and back, through every lens that COLMAP knows by formula."""

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.geometry.lens import lens_camera, mean_focal, normalized, projected, pycolmap_lens
from dust3r_sfm.types import LensCamera

CAMERAS = (
    LensCamera("SIMPLE_PINHOLE", 640, 480, (500.0, 320.0, 240.0)),
    LensCamera("PINHOLE", 640, 480, (500.0, 510.0, 320.0, 240.0)),
    LensCamera("SIMPLE_RADIAL", 640, 480, (500.0, 320.0, 240.0, -0.1)),
    LensCamera("RADIAL", 640, 480, (500.0, 320.0, 240.0, -0.1, 0.02)),
    LensCamera("OPENCV", 640, 480, (500.0, 510.0, 320.0, 240.0, -0.1, 0.02, 0.001, 0.002)),
    LensCamera("OPENCV_FISHEYE", 640, 480, (300.0, 300.0, 320.0, 240.0, 0.02, -0.01, 0.0, 0.0)),
    LensCamera("FOV", 640, 480, (400.0, 400.0, 320.0, 240.0, 0.8)),
)
PIXELS = np.array([[320.0, 240.0], [40.5, 60.5], [600.0, 400.0]])


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
def test_there_and_back(camera: LensCamera) -> None:
    rays = np.hstack([normalized(PIXELS, camera), np.ones((3, 1))])
    np.testing.assert_allclose(projected(rays * 3.0, camera), PIXELS, atol=1e-5)


def test_a_pinhole_by_hand() -> None:
    camera = CAMERAS[1]
    np.testing.assert_allclose(normalized(np.array([[420.0, 342.0]]), camera), [[0.2, 0.2]])
    assert mean_focal(camera) == pytest.approx(505.0)


def test_what_is_behind_is_not_seen() -> None:
    assert np.isnan(projected(np.array([[0.0, 0.0, -1.0]]), CAMERAS[0])).all()


def test_none_at_all() -> None:
    assert normalized(np.zeros((0, 2)), CAMERAS[4]).shape == (0, 2)
    assert projected(np.zeros((0, 3)), CAMERAS[4]).shape == (0, 2)


def test_to_pycolmap_and_back() -> None:
    for camera in CAMERAS:
        assert lens_camera(pycolmap_lens(camera, 7)) == camera
        assert pycolmap_lens(camera, 7).camera_id == 7
    assert isinstance(pycolmap_lens(CAMERAS[0]), pycolmap.Camera)
