"""Cameras made of cameras see the same things, where they should."""

import numpy as np
import pytest
from lenses import LENSES

from dust3r_sfm.geometry import project, undistort_pixels
from dust3r_sfm.geometry.cameras import (
    mean_focal,
    opencv_camera,
    radial_coefficient,
    reframe_camera,
    replace_focals,
    scale_camera,
    undistort_camera,
)
from dust3r_sfm.types import Camera

POINTS = np.random.default_rng(0).uniform([-1.0, -0.7, 2.0], [1.0, 0.7, 4.0], (50, 3))
each_lens = pytest.mark.parametrize("camera", LENSES, ids=lambda camera: camera.model)


@each_lens
def test_a_scaled_camera_sees_the_same(camera: Camera) -> None:
    scaled = scale_camera(camera, 2.5)
    assert (scaled.model, scaled.width, scaled.height) == (camera.model, 1600, 1200)
    np.testing.assert_allclose(project(POINTS, scaled), 2.5 * project(POINTS, camera), atol=1e-9)


@each_lens
def test_the_same_lens_before_another_image(camera: Camera) -> None:
    """Pixels stretched along each axis by its own factor, and shifted: models with one focal get a second."""
    stretch, shift = np.array([0.5, 0.7]), np.array([3.0, -2.0])
    focals, centre = stretch * camera.focals, stretch * camera.principal_point + shift
    moved = reframe_camera(camera, (320, 336), (focals[0], focals[1]), (centre[0], centre[1]))
    assert (moved.width, moved.height) == (320, 336)
    expected = project(POINTS, camera) * stretch + shift
    np.testing.assert_allclose(project(POINTS, moved), expected, atol=1e-9)


@each_lens
def test_the_undistorted_camera_is_the_pinhole_behind_the_lens(camera: Camera) -> None:
    straight = undistort_camera(camera)
    assert straight.model == "PINHOLE"
    np.testing.assert_array_equal(straight.matrix, camera.matrix)
    seen = undistort_pixels(project(POINTS, camera), camera)
    np.testing.assert_allclose(project(POINTS, straight), seen, atol=1e-5)


def test_other_focals_and_the_rest_as_it_was() -> None:
    camera = replace_focals(Camera("RADIAL", 640, 480, (500.0, 310.0, 245.0, -0.1, 0.02)), 400.0, 400.0)
    assert camera == Camera("RADIAL", 640, 480, (400.0, 310.0, 245.0, -0.1, 0.02))
    assert mean_focal(replace_focals(camera, 400.0, 410.0)) == 405.0


@pytest.mark.parametrize("camera", LENSES[:5], ids=lambda camera: camera.model)
def test_as_opencv_it_sees_the_same(camera: Camera) -> None:
    same = opencv_camera(camera)
    assert same.model == "OPENCV"
    np.testing.assert_allclose(project(POINTS, same), project(POINTS, camera), atol=1e-9)


def test_what_is_beyond_opencv_says_so() -> None:
    with pytest.raises(ValueError, match="FOV camera has no OPENCV form"):
        opencv_camera(Camera("FOV", 640, 480, (400.0, 410.0, 310.0, 245.0, 0.8)))


def test_which_lenses_alignment_solves_for() -> None:
    found = {camera.model: radial_coefficient(camera) for camera in LENSES}
    known = {"SIMPLE_PINHOLE": 0.0, "PINHOLE": 0.0, "SIMPLE_RADIAL": -0.1}
    assert found == {**dict.fromkeys(found), **known}
    assert radial_coefficient(Camera("RADIAL", 640, 480, (500.0, 310.0, 245.0, -0.1, 0.0))) == -0.1
    assert radial_coefficient(Camera.radial(640, 480, 500.0, 510.0, 310.0, 245.0, 0.2)) == 0.2
