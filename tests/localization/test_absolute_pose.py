"""Poses from exact, noisy and senseless matches, and whether they are as sure as they say."""

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    invert_rigid,
    rigid,
    rotation_from_vector,
    transform_points,
    vector_from_rotation,
)
from dust3r_sfm.geometry.projection import project
from dust3r_sfm.localization import LocalizationConfig
from dust3r_sfm.localization.absolute_pose import (
    SolvedPose,
    pose_covariance,
    solve_pose,
    solve_pose_and_focal,
)
from dust3r_sfm.types import Camera

CONFIG = LocalizationConfig()
POSE = rigid(rotation_from_vector(np.array([0.3, -0.5, 0.2])), np.array([0.4, -0.2, 1.0]))
CAMERAS = (
    Camera("PINHOLE", 640, 480, (500.0, 520.0, 310.0, 250.0)),
    Camera("OPENCV", 640, 480, (500.0, 520.0, 310.0, 250.0, -0.2, 0.05, 0.001, -0.002)),
    Camera("OPENCV_FISHEYE", 640, 480, (330.0, 330.0, 320.0, 240.0, 0.02, -0.01, 0.0, 0.0)),
)
SQUARE = Camera("SIMPLE_PINHOLE", 640, 480, (700.0, 320.0, 240.0))


def points_in_view(count: int, seed: int = 0) -> np.ndarray:
    """In the world, between 2 and 6 in front of the camera."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(2.0, 6.0, count)
    x, y = rng.uniform(-0.4, 0.4, (2, count)) * z
    return transform_points(invert_rigid(POSE), np.stack([x, y, z], axis=1))


def seen(points: np.ndarray, camera: Camera) -> np.ndarray:
    return project(transform_points(POSE, points), camera)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
def test_exact_through_any_lens(camera: Camera) -> None:
    points = points_in_view(60)
    found = solve_pose(seen(points, camera), points, camera, False, CONFIG)
    assert found is not None
    assert found.inliers.all()
    assert found.camera == camera
    np.testing.assert_allclose(found.cam_from_world, POSE, atol=1e-6)


def test_wrong_matches_do_not_count() -> None:
    points = points_in_view(200)
    pixels = seen(points, CAMERAS[1])
    pixels[80:] = np.random.default_rng(1).uniform([0, 0], [640, 480], (120, 2))
    found = solve_pose(pixels, points, CAMERAS[1], False, CONFIG)
    assert found is not None
    assert found.inliers[:80].all()
    assert found.inliers[80:].sum() < 8
    np.testing.assert_allclose(found.cam_from_world, POSE, atol=1e-4)


@pytest.mark.parametrize("focal", [300.0, 700.0, 1000.0])
def test_a_focal_that_nobody_told(focal: float) -> None:
    camera = Camera("SIMPLE_PINHOLE", 640, 480, (focal, 320.0, 240.0))
    points = points_in_view(120)
    pixels = seen(points, camera)
    pixels[::4] = np.random.default_rng(2).uniform([0, 0], [640, 480], (30, 2))
    found = solve_pose_and_focal(pixels, points, (640, 480), CONFIG)
    assert found is not None
    assert found.camera.params[0] == pytest.approx(focal, rel=1e-4)
    np.testing.assert_allclose(found.cam_from_world, POSE, atol=1e-3)


def test_a_focal_that_is_only_a_start() -> None:
    points = points_in_view(60)
    start = Camera("SIMPLE_PINHOLE", 640, 480, (680.0, 320.0, 240.0))
    found = solve_pose(seen(points, SQUARE), points, start, True, CONFIG)
    assert found is not None
    assert found.camera.params[0] == pytest.approx(700.0, rel=1e-5)


@pytest.mark.parametrize("count", [0, 3])
def test_too_few(count: int) -> None:
    points = points_in_view(count)
    assert solve_pose(seen(points, SQUARE), points, SQUARE, False, CONFIG) is None
    assert solve_pose_and_focal(seen(points, SQUARE), points, (640, 480), CONFIG) is None


def test_senseless_matches_agree_on_little() -> None:
    rng = np.random.default_rng(3)
    pixels, points = rng.uniform([0, 0], [640, 480], (300, 2)), rng.normal(size=(300, 3))
    for found in (
        solve_pose(pixels, points, SQUARE, False, CONFIG),
        solve_pose_and_focal(pixels, points, (640, 480), CONFIG),
    ):
        assert found is None or found.num_inliers < CONFIG.min_inliers / 2


@pytest.mark.parametrize("focal_known", [True, False])
def test_the_covariance_is_the_spread_of_repeated_measurements(focal_known: bool) -> None:
    """Against the spread of poses from 80 draws of the noise."""
    points, noise_px = points_in_view(80), 0.5
    rng = np.random.default_rng(4)
    exact, off, said = seen(points, SQUARE), [], []
    for _ in range(80):
        found = solve_pose(
            exact + rng.normal(0, noise_px, exact.shape), points, SQUARE, not focal_known, CONFIG
        )
        assert found is not None
        off.append(_off(found))
        said.append(pose_covariance(points, found.errors_px, found.cam_from_world, found.camera, focal_known))
    spread = np.sqrt(np.mean(np.square(off), axis=0))
    expected = np.sqrt(np.diagonal(np.mean(said, axis=0)))
    np.testing.assert_allclose(spread / expected, 1.0, atol=0.25)


def _off(found: SolvedPose) -> np.ndarray:
    """The turn in camera axes and the shift of the centre in the world."""
    turn = vector_from_rotation(found.cam_from_world[:3, :3] @ POSE[:3, :3].T)
    shift = invert_rigid(found.cam_from_world)[:3, 3] - invert_rigid(POSE)[:3, 3]
    return np.concatenate([turn, shift])
