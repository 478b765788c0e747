import numpy as np
import pytest

from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.epipolar import epipolar_errors, fundamental_from_cameras
from dust3r_sfm.types import Camera, Correspondences

CAMERA_I = Camera.radial(640, 480, 500.0, 510.0, 320.0, 240.0, k1=-0.1)
CAMERA_J = Camera.pinhole(320, 240, 280.0, 280.0, 150.0, 130.0)
J_FROM_I = rigid(rotation_from_vector(np.array([0.1, -0.2, 0.05])), np.array([1.0, 0.3, -0.1]))


@pytest.fixture
def matches():
    points = np.random.default_rng(0).uniform([-1.0, -1.0, 4.0], [1.0, 1.0, 8.0], (50, 3))
    pixels_j = project(transform_points(J_FROM_I, points), CAMERA_J)
    return Correspondences(project(points, CAMERA_I), pixels_j, np.ones(50))


def test_images_of_one_point_lie_on_their_lines(matches):
    np.testing.assert_allclose(epipolar_errors(matches, CAMERA_I, CAMERA_J, J_FROM_I), 0.0, atol=1e-8)


def test_the_error_is_the_distance_in_pixels_of_j(matches):
    """Moved by 3 pixels across its line, a match is 3 pixels off; along it, none."""
    fundamental = fundamental_from_cameras(
        Camera.pinhole(640, 480, 500.0, 510.0, 320.0, 240.0), CAMERA_J, J_FROM_I
    )
    straight = Camera.pinhole(640, 480, 500.0, 510.0, 320.0, 240.0)
    lines = np.column_stack([matches.pixels_i, np.ones(50)]) @ fundamental.T
    across = lines[:, :2] / np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    before = epipolar_errors(matches, straight, CAMERA_J, J_FROM_I)
    on_line = matches.pixels_j - across * ((lines[:, :2] * matches.pixels_j).sum(1) + lines[:, 2])[
        :, None
    ] / np.linalg.norm(lines[:, :2], axis=1, keepdims=True)
    moved = Correspondences(matches.pixels_i, on_line + 3.0 * across, matches.weights)
    along = Correspondences(matches.pixels_i, on_line + 5.0 * across[:, ::-1] * [1, -1], matches.weights)
    assert before.max() > 0.1  # The lens was left out.
    np.testing.assert_allclose(epipolar_errors(moved, straight, CAMERA_J, J_FROM_I), 3.0, atol=1e-6)
    np.testing.assert_allclose(epipolar_errors(along, straight, CAMERA_J, J_FROM_I), 0.0, atol=1e-6)


def test_swapping_the_views_keeps_matches_on_their_lines(matches):
    errors = epipolar_errors(matches.swap(), CAMERA_J, CAMERA_I, np.linalg.inv(J_FROM_I))
    np.testing.assert_allclose(errors, 0.0, atol=1e-8)
