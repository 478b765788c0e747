"""The half pixel between a network's optical axis and ours."""

import numpy as np
import pytest
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry import pixel_grid, project
from dust3r_sfm.geometry.view_cameras import view_camera
from dust3r_sfm.regressors.network.pixel_grid import AxisConfig, view_from_network
from dust3r_sfm.types import View

WIDTH, HEIGHT, FOCAL = 128, 96, 110.0
CONFIG = AxisConfig()
CONFIDENCE = np.full((HEIGHT, WIDTH), 3.0, np.float32)


def view(left: int = 0) -> View:
    """As large as its file, less `left` columns cropped off on the left and the right of it together."""
    pixel_from_original = np.array([[1.0, 0.0, -left], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return View("a", np.zeros((HEIGHT, WIDTH, 3), np.uint8), pixel_from_original, (WIDTH + left, HEIGHT))


def depth() -> Float[np.ndarray, "h w"]:
    return 2.0 + np.random.default_rng(0).uniform(0, 1, (HEIGHT, WIDTH))


def published_pointmap() -> Float[np.ndarray, "h w 3"]:
    """As the published networks were taught: X = z (column - W/2) / f on the integer grid."""
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    rays = np.stack([(column - WIDTH / 2) / FOCAL, (row - HEIGHT / 2) / FOCAL, np.ones_like(row)], axis=-1)
    return (rays * depth()[..., None]).astype(np.float32)


def seen_points(of: View) -> Float[np.ndarray, "h w 3"]:
    """What a camera of the photo sees at each pixel: the truth in its own frame."""
    camera = view_camera(of, FOCAL)
    rays = np.concatenate(
        [pixel_grid(HEIGHT, WIDTH) - [camera.cx, camera.cy], FOCAL * np.ones((HEIGHT, WIDTH, 1))], -1
    )
    return rays / FOCAL * depth()[..., None]


def misses_px(points: np.ndarray, of: View) -> np.ndarray:
    found = project(points.astype(np.float64).reshape(-1, 3), view_camera(of, FOCAL))
    return found.reshape(HEIGHT, WIDTH, 2) - pixel_grid(HEIGHT, WIDTH)


def test_a_published_pointmap_lands_on_its_pixels() -> None:
    """Off by half a pixel everywhere before; after, by what a turn of 1/200 rad bends at the border."""
    points = published_pointmap()
    np.testing.assert_allclose(misses_px(points, view()), -0.5, atol=1e-3)
    turned = points @ view_from_network(view(), points, CONFIDENCE, 0.0, CONFIG).T
    missed = misses_px(turned, view())
    middle = np.s_[HEIGHT // 2 - 4 : HEIGHT // 2 + 4, WIDTH // 2 - 4 : WIDTH // 2 + 4]
    assert np.abs(missed[middle]).max() < 0.02
    assert np.abs(missed).max() < 0.35
    assert np.abs(missed).mean() < 0.1


@pytest.mark.parametrize("left", [0, 3])
def test_a_network_that_takes_the_axis_to_be_elsewhere_is_turned_back(left: int) -> None:
    """It sees what the camera sees, and gives it in the frame of a camera that looks half a pixel aside:
    turning that back gives the truth, of points that the other view sees too."""
    photo = view(left)
    camera = view_camera(photo, FOCAL)
    axis = np.array([WIDTH / 2 + 0.5, HEIGHT / 2 + 0.5])
    looks_at = np.array([*(axis - [camera.cx, camera.cy]) / FOCAL, 1.0])
    network_from_view, _ = Rotation.align_vectors([[0.0, 0.0, 1.0]], [looks_at / np.linalg.norm(looks_at)])
    truth = seen_points(photo)
    given = network_from_view.apply(truth.reshape(-1, 3)).reshape(truth.shape)
    back = view_from_network(photo, given.astype(np.float32), CONFIDENCE, 0.0, CONFIG)
    missed_deg = np.rad2deg(Rotation.from_matrix(back @ network_from_view.as_matrix()).magnitude())
    half_pixel_deg = np.rad2deg(0.5 / FOCAL)
    # align_vectors leaves the turn about the axis open, which is as small as half a pixel squared.
    assert missed_deg < 0.02 * half_pixel_deg
    np.testing.assert_allclose(given @ back.T, truth, atol=3e-4)


def test_cameras_as_ours_are_left_alone() -> None:
    truth = seen_points(view()).astype(np.float32)
    np.testing.assert_array_equal(view_from_network(view(), truth, CONFIDENCE, 0.5, CONFIG), np.eye(3))


@pytest.mark.parametrize("points", [np.zeros((HEIGHT, WIDTH, 3)), np.full((HEIGHT, WIDTH, 3), -1.0)])
def test_points_that_no_camera_sees_are_left_alone(points: np.ndarray) -> None:
    found = view_from_network(view(), points.astype(np.float32), CONFIDENCE, 0.0, CONFIG)
    np.testing.assert_array_equal(found, np.eye(3))
