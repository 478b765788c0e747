"""Pinhole projection against closed forms, and cameras carried to the stored file's pixels."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    apply_affine,
    ideal_pixels,
    original_camera,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.geometry.projection import exif_turn, intrinsics_of, pixel_errors, project_each
from dust3r_sfm.types import Camera, View

BATCHES = [(), (1,), (3, 1, 2)]
CAMERA = Camera(64, 48, 50.0, 55.0, 31.0, 25.5)
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


def test_pixel_grid_starts_at_half() -> None:
    grid = pixel_grid(2, 3)
    assert grid.shape == (2, 3, 2)
    np.testing.assert_array_equal(grid[0, 0], [0.5, 0.5])
    np.testing.assert_array_equal(grid[1, 2], [2.5, 1.5])


@pytest.mark.parametrize("batch", BATCHES)
def test_project_is_the_camera_matrix(batch: tuple[int, ...]) -> None:
    points = np.random.default_rng(0).uniform([-1, -1, 1], [1, 1, 4], size=(*batch, 3))
    homogeneous = points @ CAMERA.matrix.T
    np.testing.assert_allclose(
        project(points, CAMERA), homogeneous[..., :2] / homogeneous[..., 2:], atol=1e-8
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_unproject_inverts_project(batch: tuple[int, ...]) -> None:
    points = np.random.default_rng(1).uniform([-1, -1, 1], [1, 1, 4], size=(*batch, 3))
    depth = np.asarray(points[..., 2])
    np.testing.assert_allclose(unproject(project(points, CAMERA), depth, CAMERA), points, atol=1e-8)


def test_project_behind_the_camera_does_not_warn() -> None:
    with np.errstate(all="raise"):
        assert not np.isfinite(project(np.array([1.0, 1.0, 0.0]), CAMERA)).any()


@pytest.mark.parametrize("batch", BATCHES)
def test_apply_affine_is_the_homogeneous_product(batch: tuple[int, ...]) -> None:
    affine = np.array([[0.1, 2.0, 3.0], [-1.0, 0.4, 5.0], [0.0, 0.0, 1.0]])
    pixels = np.random.default_rng(2).normal(size=(*batch, 2))
    homogeneous = np.concatenate([pixels, np.ones((*batch, 1))], axis=-1) @ affine.T
    np.testing.assert_allclose(apply_affine(affine, pixels), homogeneous[..., :2], atol=1e-8)


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


def test_original_camera_of_an_unturned_photo_keeps_the_frame() -> None:
    camera, original_from_view = original_camera(view_with(np.diag([0.5, 0.25, 1.0])), CAMERA)
    np.testing.assert_array_equal(original_from_view, np.eye(4))
    assert camera == Camera(900, 700, 100.0, 220.0, 62.0, 102.0)


@pytest.mark.parametrize(
    "affine",
    [[[-1.0, 0, 64], [0, 1, 0], [0, 0, 1]], [[1.0, 1, 0], [0, 1, 0], [0, 0, 1]]],
    ids=["mirrored", "sheared"],
)
def test_original_camera_refuses_what_no_pinhole_sees(affine: list[list[float]]) -> None:
    with pytest.raises(AssertionError, match="mirrored or sheared"):
        original_camera(view_with(np.array(affine)), CAMERA)


@pytest.mark.parametrize("k1", [-0.2, 0.0, 0.3])
def test_a_lens_bends_rays_and_is_undone(k1):
    bent = replace(CAMERA, k1=k1)
    pixels = pixel_grid(48, 64)
    rays = unproject(pixels, np.ones((48, 64)), bent)
    np.testing.assert_allclose(project(rays, bent), pixels, atol=1e-9)
    np.testing.assert_allclose(project(rays, CAMERA), ideal_pixels(pixels, bent), atol=1e-9)


def test_a_lens_moves_normalised_coordinates_by_its_formula():
    seen = project(np.array([0.3, 0.4, 1.0]), replace(CAMERA, k1=-0.2))
    stretch = 1 - 0.2 * 0.25
    np.testing.assert_allclose(seen, [31.0 + 50.0 * 0.3 * stretch, 25.5 + 55.0 * 0.4 * stretch], atol=1e-12)


def test_each_point_in_a_camera_of_its_own():
    cameras = (Camera(640, 480, 500.0, 510.0, 320.0, 240.0, -0.1), Camera(64, 48, 60.0, 60.0, 30.0, 25.0))
    points = np.array([[0.1, 0.2, 1.0], [-0.3, 0.4, 2.0], [1.0, 1.0, 5.0]])
    which = np.array([0, 1, 0])
    found = project_each(points, intrinsics_of(cameras)[which])
    for row, number in enumerate(which):
        np.testing.assert_array_equal(found[row], project(points[row], cameras[number]))
    assert intrinsics_of(()).shape == (0, 5)


def test_what_is_not_seen_is_infinitely_far_off():
    seen = np.array([[3.0, 4.0], [np.nan, 1.0], [1.0, 1.0]])
    np.testing.assert_array_equal(pixel_errors(seen, np.ones((3, 2)) - [[1.0, 1.0]]), [5.0, np.inf, 2**0.5])


@pytest.mark.parametrize("quarters", range(4))
def test_the_turn_of_a_photo_is_found_again(quarters):
    turn = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), quarters)
    affine = np.eye(3)
    affine[:2] = np.hstack([np.diag([0.31, 0.29]) @ turn, [[5.0], [7.0]]])
    view = View("a", np.zeros((6, 8, 3), np.uint8), affine, (80, 60))
    np.testing.assert_array_equal(exif_turn(view), turn)
