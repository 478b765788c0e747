"""Known cameras found again from known points, with a third of the matches wrong."""

import numpy as np
import pytest

from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.cameras import replace_focals
from dust3r_sfm.geometry.resection import focal_by_resection, resect
from dust3r_sfm.types import Camera

SIZE = 640, 480
CAMERA = Camera.pinhole(*SIZE, 500.0, 500.0, 310.0, 245.0)
CAM_FROM_WORLD = rigid(rotation_from_vector(np.array([0.3, -0.2, 0.1])), np.array([0.5, 0.2, 3.0]))


def observed(camera, wrong=0):
    rng = np.random.default_rng(1)
    points = rng.uniform(-1.0, 1.0, (90, 3))
    pixels = project(transform_points(CAM_FROM_WORLD, points), camera)
    pixels[:wrong] = rng.uniform([0, 0], [camera.width, camera.height], (wrong, 2))
    return points, pixels


@pytest.mark.parametrize("k1", [0.0, -0.15])
def test_the_pose_is_exact_and_wrong_matches_are_no_inliers(k1):
    camera = Camera.radial(*SIZE, *CAMERA.focals, *CAMERA.principal_point, k1)
    found = resect(*observed(camera, wrong=30), camera, max_error_px=3.0, seed=0)
    np.testing.assert_allclose(found.cam_from_points, CAM_FROM_WORLD, atol=1e-6)
    assert found.inliers[30:].all()
    assert found.inliers[:30].sum() <= 1


def test_one_seed_is_one_answer():
    first, second = (resect(*observed(CAMERA, wrong=30), CAMERA, 3.0, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.cam_from_points, second.cam_from_points)


def test_too_few_points_have_no_pose():
    points, pixels = observed(CAMERA)
    assert resect(points[:2], pixels[:2], CAMERA, 3.0, seed=0) is None


def test_the_focal_is_found_with_the_pose():
    guess = replace_focals(CAMERA, 800.0, 800.0)
    assert focal_by_resection(*observed(CAMERA, wrong=30), guess, seed=0) == pytest.approx(500.0, rel=1e-3)
