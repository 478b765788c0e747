import numpy as np
import pytest

from dust3r_sfm.geometry import project, rotation_angle_deg, rotation_from_vector
from dust3r_sfm.geometry.projection import unit_rays
from dust3r_sfm.geometry.turning import fit_rotation
from dust3r_sfm.types import Camera

CAMERA = Camera.radial(640, 480, 500.0, 520.0, 310.0, 250.0, k1=-0.05)
ROTATION = rotation_from_vector(np.array([0.1, -0.4, 0.2]))


def seen(count=200):
    rng = np.random.default_rng(2)
    rays = rng.standard_normal((count, 3)) * 0.3 + [0.0, 0.0, 1.0]
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def test_rays_of_pixels_are_the_directions_that_project_there():
    rays = seen()
    rays = rays[rays[:, 2] > 0.8]
    np.testing.assert_allclose(unit_rays(project(rays, CAMERA), CAMERA), rays, atol=1e-9)


def test_exact_rays_give_the_exact_rotation():
    rays = seen()
    rotation, error, kept = fit_rotation(rays, rays @ ROTATION.T, np.ones(len(rays)))
    np.testing.assert_allclose(rotation, ROTATION, atol=1e-10)
    assert error.max() < 1e-10
    assert kept.min() > 0.9


@pytest.mark.parametrize("width", [None, 0.004])
def test_wrong_rays_lose_their_weight(width):
    rays, rng = seen(), np.random.default_rng(3)
    turned = rays @ ROTATION.T + 1e-3 * rng.standard_normal(rays.shape)
    turned[:50] = seen()[rng.permutation(50) + 100]
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    rotation, _, kept = fit_rotation(rays, turned, np.ones(len(rays)), width)
    assert rotation_angle_deg(rotation @ ROTATION.T) < 0.03
    assert kept[:50].mean() < 0.05
    assert kept[50:].mean() > 0.5


def test_weights_of_nothing_count_nothing():
    rays = seen(40)
    turned = rays @ ROTATION.T
    turned[20:] = rays[20:] @ ROTATION
    weights = np.where(np.arange(40) < 20, 1.0, 0.0)
    rotation, *_ = fit_rotation(rays, turned, weights, width=0.01)
    np.testing.assert_allclose(rotation, ROTATION, atol=1e-9)
