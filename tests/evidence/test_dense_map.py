import numpy as np
import pytest

from dust3r_sfm.evidence.dense_map import arrays_from_map, map_from_arrays, pack_depth, pack_points

HALF_STEP = 2.0**-11
"""Largest relative error of rounding to float16."""


def random_map(scale: float):
    """Points, of which z is between 0.2 and 5 times `scale`, confidences, and what of it is known."""
    rng = np.random.default_rng(0)
    points = scale * rng.uniform(-5.0, 5.0, (13, 17, 3))
    points[..., 2] = scale * rng.uniform(0.2, 5.0, (13, 17))
    return points.astype(np.float32), 1.0 + rng.exponential(3.0, (13, 17)), rng.random((13, 17)) < 0.6


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_depth_comes_back_in_any_scale(scale):
    points, confidence, known = random_map(scale)
    found, trust = pack_depth(points[..., 2], confidence, known).unpack()
    assert found.shape == (13, 17, 1)
    # Half of one of 65 535 steps from the nearest to the farthest, and what float32 loses of the logarithm.
    error = 0.5 * np.log(25.0) / 65535 + 2.0**-23 * abs(np.log(scale))
    np.testing.assert_allclose(found[known][:, 0], points[known][:, 2], rtol=1.1 * error + 1e-7)
    np.testing.assert_allclose(trust[known], confidence[known], rtol=HALF_STEP)
    assert not found[~known].any()
    assert (trust[~known] == 1.0).all()


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_points_come_back_in_any_scale(scale):
    points, confidence, known = random_map(scale)
    found, trust = pack_points(points, confidence, known).unpack()
    np.testing.assert_allclose(found[known], points[known], rtol=1.01 * HALF_STEP)
    np.testing.assert_allclose(trust[known], confidence[known], rtol=HALF_STEP)
    assert not found[~known].any()
    assert (trust[~known] == 1.0).all()


def test_no_range_of_depth_is_lost():
    depth = np.geomspace(1e-12, 1e12, 1000).astype(np.float32)[None]
    found, _ = pack_depth(depth, np.full((1, 1000), 2.0), np.ones((1, 1000), bool)).unpack()
    np.testing.assert_allclose(found[..., 0], depth, rtol=0.55 * np.log(1e24) / 65535)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_and_equal_depths(count):
    known = np.arange(6).reshape(2, 3) < count
    found, _ = pack_depth(np.full((2, 3), 7.5, np.float32), np.full((2, 3), 2.0), known).unpack()
    np.testing.assert_allclose(found[..., 0], np.where(known, 7.5, 0.0), rtol=1e-6)


def test_unknown_pixels_take_a_bit():
    points, confidence, known = random_map(1.0)
    bits = -(-known.size // 8)
    assert pack_depth(points[..., 2], confidence, known).num_bytes == 4 * known.sum() + bits
    assert pack_points(points, confidence, known).num_bytes == 8 * known.sum() + bits
    assert pack_points(points, confidence, np.zeros_like(known)).num_bytes == bits


def test_extreme_confidence_stays_above_one_and_finite():
    confidence, known = np.array([[1.0 + 1e-6, 1e9]]), np.ones((1, 2), bool)
    _, trust = pack_depth(np.ones((1, 2), np.float32), confidence, known).unpack()
    assert (trust > 1.0).all()
    assert np.isfinite(trust).all()


def test_a_point_out_of_range_is_infinite():
    points = np.ones((1, 3, 3), np.float32) * np.array([1.0, 1.0, 1e9], np.float32)[:, None]
    found, _ = pack_points(points, np.full((1, 3), 2.0), np.ones((1, 3), bool)).unpack()
    np.testing.assert_array_equal(found[0, :, 0], [1.0, 1.0, np.inf])


def test_arrays_hold_it_exactly():
    points, confidence, known = random_map(0.3)
    for before in (pack_depth(points[..., 2], confidence, known), pack_points(points, confidence, known)):
        after = map_from_arrays(arrays_from_map(before))
        for a, b in zip(before.unpack(), after.unpack(), strict=True):
            np.testing.assert_array_equal(a, b)
