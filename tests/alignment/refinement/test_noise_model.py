"""Covariances against their definition, and what is found of them against drawn errors."""

import numpy as np
import pytest

from dust3r_sfm.alignment.refinement.noise_model import (
    PointNoise,
    epipolar_frames,
    noise_scale_rows,
    point_noise,
    sqrt_information_rows,
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
    white = matrices(sqrt_information_rows(frames, NOISE, np.ones((1, COUNT), dtype=bool)))
    product = white @ covariance(cameras, point) @ np.swapaxes(white, -1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-8)


def test_nothing_along_the_ray_where_no_other_pair_knows(setting):
    cameras, pixels, depth, point = setting
    rows = sqrt_information_rows(
        epipolar_frames(cameras, pixels, depth), NOISE, np.zeros((1, COUNT), dtype=bool)
    )
    np.testing.assert_allclose(matrices(rows) @ point[..., None], 0.0, atol=1e-9)


def test_noise_is_found_again(setting):
    cameras, pixels, depth, point = setting
    root = np.linalg.cholesky(covariance(cameras, point))
    error = (root @ np.random.default_rng(2).standard_normal((1, COUNT, 3, 1)))[..., 0]
    frames = epipolar_frames(cameras, pixels, depth)
    shown = (matrices(noise_scale_rows(frames)) @ error[..., None])[..., 0]
    found = point_noise(shown[0], frames.sine[0], (frames.reach / frames.distance)[0], 1e-6)
    assert found.across == pytest.approx(NOISE.across, rel=0.05)
    assert found.along == pytest.approx(NOISE.along, rel=0.08)
    assert found.consensus == pytest.approx(NOISE.consensus, rel=0.08)


RIGHT_ANGLE = EdgeCameras(
    np.eye(3)[None],
    np.array([[-2.0, 0.0, 5.0]]),
    np.array([50.0]),
    np.array([50.0]),
    np.array([[30.0, 20.0]]),
    np.array([[30.0, 20.0]]),
    np.array([1.0]),
    np.array([1.0]),
)
"""Camera i stands at (-2, 0, 5) of camera j's frame. The point (0, 0, 5) is 2 from it and 5 from camera j,
and its rays meet at a right angle."""


def test_one_point_by_hand():
    """Across both rays (y) it errs by a |YI|. Along the ray of i (x) by l |YI|. Along the ray of j (z) by
    what it errs across its own ray, a |YI|, and by what the consensus errs, b |YJ|, squared and added."""
    frames = epipolar_frames(RIGHT_ANGLE, np.array([[[30.0], [20.0]]]), np.array([[5.0]]))
    assert frames.reach[0, 0] == pytest.approx(2.0)
    assert frames.distance[0, 0] == pytest.approx(5.0)
    assert frames.sine[0, 0] == pytest.approx(1.0)
    (white,) = matrices(sqrt_information_rows(frames, NOISE, np.ones((1, 1), dtype=bool)))[0]
    variances = [(0.02 * 2.0) ** 2, (0.001 * 2.0) ** 2, (0.001 * 2.0) ** 2 + (0.004 * 5.0) ** 2]
    np.testing.assert_allclose(white.T @ white, np.diag(1.0 / np.array(variances)), rtol=1e-9, atol=1e-9)


def residuals(across, beside, other, count=200):
    """Signs alternate and magnitudes are all the same: their median absolute deviation is known exactly."""
    signs = np.where(np.arange(count) % 2 == 0, 1.0, -1.0) / 1.4826
    return signs[:, None] * [across, beside, other]


@pytest.mark.parametrize("sine", [1.0, 0.5])
def test_what_is_measured_is_told_apart(sine):
    """Across the epipolar plane there is a alone. In it, over the sine, l and what of a lies that way: a cot.
    Across the ray of i, over the sine, b and a |YI| / (|YJ| sin)."""
    ratio, a, along, b = 0.7, NOISE.across, NOISE.along, NOISE.consensus
    cotangent = np.sqrt(1.0 - sine**2) / sine
    shown = residuals(a, np.hypot(along, a * cotangent), np.hypot(b, a * ratio / sine))
    found = point_noise(shown, np.full(200, sine), np.full(200, ratio), 1e-6)
    assert found.across == pytest.approx(a)
    assert found.along == pytest.approx(along)
    assert found.consensus == pytest.approx(b)


def test_a_minority_of_wild_residuals_and_unknown_ones_changes_nothing():
    shown = residuals(NOISE.across, NOISE.along, np.hypot(NOISE.consensus, NOISE.across))
    known = point_noise(shown, np.ones(200), np.ones(200), 1e-6)
    shown[:60] = 5.0
    shown[60:80] = np.nan
    assert point_noise(shown, np.ones(200), np.ones(200), 1e-6) == known


def test_only_the_half_with_larger_angles_is_asked_for_depth():
    """Where rays are nearly parallel an error along them does not show, but noise over the sine does."""
    shown = residuals(NOISE.across, NOISE.along, np.hypot(NOISE.consensus, NOISE.across))
    shown[:100, 1:] *= 100.0
    sine = np.where(np.arange(200) < 100, 0.01, 1.0)
    found = point_noise(shown, sine, np.ones(200), 1e-6)
    assert found.along == pytest.approx(NOISE.along)
    assert found.consensus == pytest.approx(NOISE.consensus)


def test_nothing_is_surer_than_the_least_and_depth_no_surer_than_directions():
    exact = point_noise(np.zeros((200, 3)), np.ones(200), np.ones(200), 1e-3)
    assert exact == PointNoise(1e-3, 1e-3, 1e-3)
    flat = point_noise(residuals(0.02, 0.0, 0.0), np.ones(200), np.ones(200), 1e-3)
    assert (flat.across, flat.along) == (pytest.approx(0.02), pytest.approx(0.02))
    assert flat.consensus == 1e-3


def test_a_turn_on_the_spot_has_no_epipolar_plane(setting):
    cameras, pixels, depth, _ = setting
    still = EdgeCameras(
        cameras.rotation,
        np.zeros((1, 3)),
        *(getattr(cameras, n) for n in list(cameras.__dataclass_fields__)[2:]),
    )
    rows = sqrt_information_rows(
        epipolar_frames(still, pixels, depth), NOISE, np.ones((1, COUNT), dtype=bool)
    )
    assert np.isfinite(matrices(rows)).all()
    shown = point_noise(np.full((3, 3), np.nan), np.zeros(3), np.ones(3), 1e-6)
    assert shown == PointNoise(1e-6, 1e-6, 1e-6)
