"""Pixels of points and rays of pixels, against closed forms and through every lens of COLMAP's."""

import numpy as np
import pytest
from lenses import LENSES

from dust3r_sfm.geometry import pixel_grid, project, undistort_pixels, unproject
from dust3r_sfm.geometry.projection import (
    intrinsics_of,
    normalized_from_pixels,
    pixel_errors,
    project_each,
    unit_rays,
)
from dust3r_sfm.types import Camera

BATCHES = [(), (1,), (3, 1, 2)]
CAMERA = Camera.pinhole(64, 48, 50.0, 55.0, 31.0, 25.5)
PIXELS = np.array([[[310.0, 245.0], [40.5, 60.5]], [[600.0, 400.0], [5.0, 470.0]]])
each_lens = pytest.mark.parametrize("camera", LENSES, ids=lambda camera: camera.model)


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


@each_lens
def test_through_every_lens_there_and_back(camera: Camera) -> None:
    depth = np.array([[1.0, 2.0], [3.0, 0.5]])
    points = unproject(PIXELS, depth, camera)
    np.testing.assert_array_equal(points[..., 2], depth)
    np.testing.assert_allclose(project(points, camera), PIXELS, atol=1e-5)
    normalized = normalized_from_pixels(PIXELS, camera)
    np.testing.assert_allclose(normalized * depth[..., None], points[..., :2], rtol=1e-12)
    rays = unit_rays(PIXELS.reshape(-1, 2), camera)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)
    np.testing.assert_allclose(project(rays, camera).reshape(PIXELS.shape), PIXELS, atol=1e-5)


@each_lens
def test_nothing_at_all(camera: Camera) -> None:
    assert normalized_from_pixels(np.zeros((0, 2)), camera).shape == (0, 2)
    assert project(np.zeros((0, 3)), camera).shape == (0, 2)


@pytest.mark.parametrize("camera", LENSES[:7], ids=lambda camera: camera.model)
def test_what_is_behind_is_not_seen(camera: Camera) -> None:
    points = np.array([[0.1, 0.2, -1.0], [0.0, 0.0, 0.0], [0.1, 0.2, 1.0]])
    np.testing.assert_array_equal(np.isnan(project(points, camera)).all(axis=1), [True, True, False])


@pytest.mark.parametrize("k1", [-0.2, 0.0, 0.3])
def test_a_lens_bends_rays_and_is_undone(k1: float) -> None:
    bent = Camera.radial(64, 48, 50.0, 55.0, 31.0, 25.5, k1)
    pixels = pixel_grid(48, 64)
    rays = unproject(pixels, np.ones((48, 64)), bent)
    np.testing.assert_allclose(project(rays, bent), pixels, atol=1e-6)
    np.testing.assert_allclose(project(rays, CAMERA), undistort_pixels(pixels, bent), atol=1e-9)


def test_a_lens_moves_normalised_coordinates_by_its_formula() -> None:
    seen = project(np.array([0.3, 0.4, 1.0]), Camera.radial(64, 48, 50.0, 55.0, 31.0, 25.5, -0.2))
    stretch = 1 - 0.2 * 0.25
    np.testing.assert_allclose(seen, [31.0 + 50.0 * 0.3 * stretch, 25.5 + 55.0 * 0.4 * stretch], atol=1e-12)


def test_pixels_that_no_ray_reaches_have_none() -> None:
    """u (1 - 0.3 u^2) is largest at u = 1/0.9 ** 0.5, where it is 2 / (3 * 0.9 ** 0.5) = 0.703."""
    lens = Camera.radial(640, 480, 200.0, 200.0, 320.0, 240.0, -0.3)
    found = normalized_from_pixels(np.array([[320.0 + 140.0, 240.0], [320.0 + 141.0, 240.0]]), lens)
    np.testing.assert_allclose(found[0], [1.0, 0.0], atol=1e-6)
    assert np.isnan(found[1]).all()


def test_each_point_in_a_camera_of_its_own():
    bent = Camera.radial(640, 480, 500.0, 510.0, 320.0, 240.0, -0.1)
    cameras = (bent, Camera.pinhole(64, 48, 60.0, 60.0, 30.0, 25.0))
    points = np.array([[0.1, 0.2, 1.0], [-0.3, 0.4, 2.0], [1.0, 1.0, 5.0]])
    which = np.array([0, 1, 0])
    found = project_each(points, intrinsics_of(cameras)[which])
    for row, number in enumerate(which):
        np.testing.assert_allclose(found[row], project(points[row], cameras[number]), atol=1e-11)
    assert intrinsics_of(()).shape == (0, 5)
    assert np.isnan(project_each(np.array([[0.1, 0.2, -1.0]]), intrinsics_of(cameras[:1]))).all()
    with pytest.raises(AssertionError, match="FOV is no lens"):
        intrinsics_of((Camera("FOV", 640, 480, (400.0, 410.0, 310.0, 245.0, 0.8)),))


def test_what_is_not_seen_is_infinitely_far_off():
    seen = np.array([[3.0, 4.0], [np.nan, 1.0], [1.0, 1.0]])
    np.testing.assert_array_equal(pixel_errors(seen, np.ones((3, 2)) - [[1.0, 1.0]]), [5.0, np.inf, 2**0.5])
