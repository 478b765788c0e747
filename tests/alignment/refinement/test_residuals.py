"""Analytic Jacobians against finite differences, parameter by parameter."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.refinement.edge_blocks import EDGE_PARAMETERS, edge_from_relative
from dust3r_sfm.alignment.refinement.residuals import (
    PARAMETERS,
    EdgeCameras,
    Matches,
    compare_points,
    derivative_by_log_scale,
    match_row,
    point_row,
    reproject_matches,
)
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector

COUNT = 5


@pytest.fixture
def setting():
    rng = np.random.default_rng(5)
    poses = rigid(rotation_from_vector(0.2 * rng.standard_normal((2, 3))), 0.3 * rng.standard_normal((2, 3)))
    pixels = rng.uniform(0, 60, (2, 1, 2, COUNT))
    depth = rng.uniform(2, 4, (1, COUNT))
    return poses, Matches(pixels[0], depth, pixels[1])


def cameras(poses, step=None):
    """Cameras of one edge with increments (xi_i, xi_j, log f_i, log f_j, mu_i, mu_j, log s)."""
    step = np.zeros(EDGE_PARAMETERS) if step is None else step
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
    columns = [(function(h) - function(-h)) / 2e-6 for h in 1e-6 * np.eye(EDGE_PARAMETERS)]
    return np.stack(columns, axis=-1)


def by_edge(row, base):
    """The Jacobian of a row by the parameters of both cameras."""
    return row[0, :PARAMETERS].T @ edge_from_relative(base)[0]


def test_match_jacobian(setting):
    poses, matches = setting
    direction = np.random.default_rng(7).standard_normal((1, 2, COUNT))

    def row(step=None):
        base, out = cameras(poses, step), np.empty((1, PARAMETERS + 1, COUNT))
        match_row(base, reproject_matches(base, matches), direction, out)
        return out

    wanted = finite_differences(lambda step: row(step)[0, PARAMETERS])
    np.testing.assert_allclose(by_edge(row(), cameras(poses)), wanted, rtol=1e-5, atol=1e-5)


def test_point_jacobian(setting):
    poses, matches = setting
    points = np.random.default_rng(6).uniform(1, 3, (1, 3, COUNT))
    direction = np.random.default_rng(7).standard_normal((1, 3, COUNT))

    def row(step=None):
        base, out = cameras(poses, step), np.empty((1, PARAMETERS + 1, COUNT))
        point_row(base, compare_points(base, points, matches.pixels_j, matches.depth_i), direction, out)
        return out

    wanted = finite_differences(lambda step: row(step)[0, PARAMETERS])
    np.testing.assert_allclose(by_edge(row(), cameras(poses)), wanted, rtol=1e-5, atol=1e-6)


def test_matches_move_along_their_epipolar_lines(setting):
    poses, matches = setting
    moved = derivative_by_log_scale(cameras(poses), reproject_matches(cameras(poses), matches))
    wanted = finite_differences(lambda step: reproject_matches(cameras(poses, step), matches).residual)[
        ..., -1
    ]
    np.testing.assert_allclose(moved, wanted, rtol=1e-5, atol=1e-5)


def test_match_behind_the_camera_has_no_gradient(setting):
    poses, matches = setting
    base = replace(cameras(poses), translation=np.array([[0.0, 0.0, -100.0]]))
    out = np.empty((1, PARAMETERS + 1, COUNT))
    match_row(base, reproject_matches(base, matches), np.ones((1, 2, COUNT)), out)
    assert (out[:, PARAMETERS] > 1e3).all()
    assert (out[:, :PARAMETERS] == 0).all()
