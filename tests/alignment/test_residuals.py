"""Analytic Jacobians against finite differences, parameter by parameter."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.residuals import EdgeCameras, match_residuals, point_residuals
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector

COUNT = 5


@pytest.fixture
def setting():
    rng = np.random.default_rng(5)
    poses = rigid(rotation_from_vector(0.2 * rng.standard_normal((2, 3))), 0.3 * rng.standard_normal((2, 3)))
    pixels = rng.uniform(0, 60, (2, 1, COUNT, 2))
    depth = rng.uniform(2, 4, (1, COUNT))
    return poses, pixels, depth


def cameras(poses, step=None):
    """Cameras of one edge with increments (xi_i, xi_j, log f_i, log f_j, mu_i, mu_j, log s)."""
    step = np.zeros(17) if step is None else step
    moved = [
        rigid(rotation_from_vector(step[k : k + 3]), step[k + 3 : k + 6]) @ pose
        for k, pose in zip((0, 6), poses, strict=True)
    ]
    relative = moved[1] @ invert_rigid(moved[0])
    return EdgeCameras(
        relative[None, :3, :3],
        relative[None, :3, 3],
        np.array([50.0 * np.exp(step[12])]),
        np.array([60.0 * np.exp(step[13])]),
        np.array([[30.0, 31.0]]),
        np.array([[29.0, 33.0]]),
        np.array([1.7 * np.exp(step[16])]),
        np.array([1.1 * np.exp(step[15])]),
    )


def finite_differences(function):
    columns = [(function(h) - function(-h)) / 2e-6 for h in 1e-6 * np.eye(17)]
    return np.stack(columns, axis=-1)


def test_match_jacobian(setting):
    poses, pixels, depth = setting

    def residual(step):
        return match_residuals(cameras(poses, step), pixels[0], depth, pixels[1])[0]

    _, jacobian = match_residuals(cameras(poses), pixels[0], depth, pixels[1])
    np.testing.assert_allclose(jacobian, finite_differences(residual), rtol=1e-5, atol=1e-5)


def test_point_jacobian(setting):
    poses, pixels, depth = setting
    points = np.random.default_rng(6).uniform(1, 3, (1, COUNT, 3))
    frames = np.random.default_rng(7).standard_normal((1, COUNT, 3, 3))

    def residual(step):
        return point_residuals(cameras(poses, step), points, pixels[1], depth, frames)[0]

    _, jacobian = point_residuals(cameras(poses), points, pixels[1], depth, frames)
    np.testing.assert_allclose(jacobian, finite_differences(residual), rtol=1e-5, atol=1e-6)


def test_match_behind_the_camera_has_no_gradient(setting):
    poses, pixels, depth = setting
    base = replace(cameras(poses), translation=np.array([[0.0, 0.0, -100.0]]))
    residual, jacobian = match_residuals(base, pixels[0], depth, pixels[1])
    assert (residual > 1e3).all()
    assert (jacobian == 0).all()
