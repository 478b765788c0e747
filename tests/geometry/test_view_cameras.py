"""Cameras of views carried to the stored file's pixels and back."""

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    apply_affine,
    original_camera,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.geometry.view_cameras import camera_of_view, exif_turn
from dust3r_sfm.types import Camera, View

CAMERA = Camera.pinhole(64, 48, 50.0, 55.0, 31.0, 25.5)
STORED_SIZE = (900, 700)
# upright_from_stored of a 900 x 700 file for the EXIF orientations a camera can have
TURNS = {
    1: np.eye(3),
    3: np.array([[-1.0, 0, 900], [0, -1, 700], [0, 0, 1]]),
    6: np.array([[0.0, -1, 700], [1, 0, 0], [0, 0, 1]]),
    8: np.array([[0.0, 1, 0], [-1, 0, 900], [0, 0, 1]]),
}


def view_with(pixel_from_original: np.ndarray) -> View:
    return View("a.jpg", np.zeros((48, 64, 3), np.uint8), pixel_from_original, STORED_SIZE)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("scale", [(0.5, 0.5), (0.0713, 0.0719), (1e-3, 2e-3)])
def test_original_camera_sees_every_point_where_the_affine_puts_it(
    orientation: int, scale: tuple[float, float]
) -> None:
    crop_and_scale = np.array([[scale[0], 0.0, -3.0], [0.0, scale[1], -8.0], [0.0, 0.0, 1.0]])
    pixel_from_original = crop_and_scale @ TURNS[orientation]
    cam_from_world = rigid(rotation_from_vector(np.array([0.3, -0.2, 0.9])), np.array([0.1, 0.2, 4.0]))
    points = np.random.default_rng(4).normal(size=(50, 3))

    camera, original_from_view = original_camera(view_with(pixel_from_original), CAMERA)

    in_view = project(transform_points(cam_from_world, points), CAMERA)
    expected = apply_affine(np.linalg.inv(pixel_from_original), in_view)
    pixels = project(transform_points(original_from_view @ cam_from_world, points), camera)
    np.testing.assert_allclose(pixels, expected, rtol=1e-11, atol=1e-9)
    assert (camera.width, camera.height) == STORED_SIZE
    assert min(camera.fx, camera.fy) > 0
    back = camera_of_view(view_with(pixel_from_original), camera)
    np.testing.assert_allclose(back.params, CAMERA.params, rtol=1e-11)


def test_original_camera_of_an_unturned_photo_keeps_the_frame() -> None:
    camera, original_from_view = original_camera(view_with(np.diag([0.5, 0.25, 1.0])), CAMERA)
    np.testing.assert_array_equal(original_from_view, np.eye(4))
    assert camera == Camera.pinhole(900, 700, 100.0, 220.0, 62.0, 102.0)


@pytest.mark.parametrize(
    "affine",
    [[[-1.0, 0, 64], [0, 1, 0], [0, 0, 1]], [[1.0, 1, 0], [0, 1, 0], [0, 0, 1]]],
    ids=["mirrored", "sheared"],
)
def test_original_camera_refuses_what_no_pinhole_sees(affine: list[list[float]]) -> None:
    with pytest.raises(AssertionError, match="mirrored or sheared"):
        original_camera(view_with(np.array(affine)), CAMERA)


@pytest.mark.parametrize("quarters", range(4))
def test_the_turn_of_a_photo_is_found_again(quarters):
    turn = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters)
    affine = np.eye(3)
    affine[:2] = np.hstack([np.diag([0.31, 0.29]) @ turn, [[5.0], [7.0]]])
    view = View("a", np.zeros((6, 8, 3), np.uint8), affine, (80, 60))
    np.testing.assert_array_equal(exif_turn(view), turn)


def test_a_lens_that_a_turn_would_change_is_refused() -> None:
    lens = Camera("OPENCV", 64, 48, (50.0, 55.0, 31.0, 25.5, -0.1, 0.0, 0.001, 0.0))
    with pytest.raises(AssertionError, match="what a turn does to a OPENCV lens"):
        original_camera(view_with(TURNS[6]), lens)
