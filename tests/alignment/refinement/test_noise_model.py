"""Covariances against their definition, and what is found of them against drawn errors."""

import numpy as np
import pytest

from dust3r_sfm.alignment.refinement.noise_model import (
    PointNoise,
    epipolar_frames,
    measuring,
    point_noise,
    whitening,
)
from dust3r_sfm.alignment.refinement.residuals import EdgeCameras
from dust3r_sfm.geometry import rotation_from_vector

NOISE = PointNoise(0.001, 0.02, 0.004)
COUNT = 4000


@pytest.fixture
def setting():
    rng = np.random.default_rng(1)
    cameras = EdgeCameras(
        rotation_from_vector(np.array([[0.1, -0.2, 0.05]])),
        np.array([[0.8, -0.3, 0.2]]),
        np.array([50.0]),
        np.array([60.0]),
        np.array([[30.0, 31.0]]),
        np.array([[29.0, 33.0]]),
        np.array([1.0]),
        np.array([1.0]),
    )
    pixels, depth = rng.uniform(0, 60, (1, 2, COUNT)), rng.uniform(2, 4, (1, COUNT))
    slopes = (pixels - np.array([[29.0], [33.0]])) / 60.0
    point = (np.concatenate([slopes, np.ones((1, 1, COUNT))], axis=1) * depth[:, None]).swapaxes(1, 2)
    return cameras, pixels, depth, point


def covariance(cameras, point):
    """By definition, sample for sample."""
    seen = point - cameras.translation[:, None]

    def parts(vector):
        outer = vector[..., :, None] * vector[..., None, :]
        return outer, (vector**2).sum(axis=-1)[..., None, None] * np.eye(3)

    other, whole = parts(seen)
    own, _ = parts(point)
    return NOISE.across**2 * (whole - other) + NOISE.along**2 * other + NOISE.consensus**2 * own


def matrices(rows):
    """One 3 x 3 matrix a sample."""
    return np.stack([row.swapaxes(1, 2) for row in rows], axis=-2)


def test_whitening_inverts_the_covariance(setting):
    cameras, pixels, depth, point = setting
    frames = epipolar_frames(cameras, pixels, depth)
    white = matrices(whitening(frames, NOISE, np.ones((1, COUNT), dtype=bool)))
    product = white @ covariance(cameras, point) @ np.swapaxes(white, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-8)


def test_nothing_along_the_ray_where_no_other_pair_knows(setting):
    cameras, pixels, depth, point = setting
    rows = whitening(epipolar_frames(cameras, pixels, depth), NOISE, np.zeros((1, COUNT), dtype=bool))
    np.testing.assert_allclose(matrices(rows) @ point[..., None], 0.0, atol=1e-9)


def test_noise_is_found_again(setting):
    cameras, pixels, depth, point = setting
    root = np.linalg.cholesky(covariance(cameras, point))
    error = (root @ np.random.default_rng(2).standard_normal((1, COUNT, 3, 1)))[..., 0]
    frames = epipolar_frames(cameras, pixels, depth)
    shown = (matrices(measuring(frames)) @ error[..., None])[..., 0]
    found = point_noise(shown[0], frames.sine[0], (frames.reach / frames.distance)[0], 1e-6)
    assert found.across == pytest.approx(NOISE.across, rel=0.05)
    assert found.along == pytest.approx(NOISE.along, rel=0.08)
    assert found.consensus == pytest.approx(NOISE.consensus, rel=0.08)


def test_a_turn_on_the_spot_has_no_epipolar_plane(setting):
    cameras, pixels, depth, _ = setting
    still = EdgeCameras(
        cameras.rotation,
        np.zeros((1, 3)),
        *(getattr(cameras, n) for n in list(cameras.__dataclass_fields__)[2:]),
    )
    rows = whitening(epipolar_frames(still, pixels, depth), NOISE, np.ones((1, COUNT), dtype=bool))
    assert np.isfinite(matrices(rows)).all()
    shown = point_noise(np.full((3, 3), np.nan), np.zeros(3), np.ones(3), 1e-6)
    assert shown == PointNoise(1e-6, 1e-6, 1e-6)
