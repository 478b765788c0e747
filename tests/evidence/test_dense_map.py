import numpy as np
import pytest

from dust3r_sfm.evidence.dense_map import arrays_from_map, map_from_arrays, pack

HALF_STEP = 2.0**-11
"""Largest relative error of rounding to float16."""


def random_map(scale: float, channels: int = 1):
    rng = np.random.default_rng(0)
    values = (scale * rng.uniform(0.2, 5.0, (13, 17, channels))).astype(np.float32)
    confidence = 1.0 + rng.exponential(3.0, (13, 17))
    return values, confidence, rng.random((13, 17)) < 0.6


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("channels", [1, 3])
def test_known_pixels_come_back_in_any_scale(scale, channels):
    values, confidence, known = random_map(scale, channels)
    found, trust = pack(values, confidence, known).unpacked()
    np.testing.assert_allclose(found[known], values[known], rtol=1.01 * HALF_STEP)
    np.testing.assert_allclose(trust[known], confidence[known], rtol=HALF_STEP)
    assert not found[~known].any()
    assert (trust[~known] == 1.0).all()


def test_unknown_pixels_take_a_bit():
    values, confidence, known = random_map(1.0)
    assert pack(values, confidence, known).num_bytes == 4 * known.sum() + -(-known.size // 8)
    assert pack(values, confidence, np.zeros_like(known)).num_bytes == -(-known.size // 8)


def test_extreme_confidence_stays_above_one_and_finite():
    values = np.ones((1, 2, 1), np.float32)
    _, trust = pack(values, np.array([[1.0 + 1e-6, 1e9]]), np.ones((1, 2), bool)).unpacked()
    assert (trust > 1.0).all()
    assert np.isfinite(trust).all()


def test_what_is_out_of_range_is_infinite():
    values = np.array([[[1.0], [1.0], [1e9]]], np.float32)
    found, _ = pack(values, np.full((1, 3), 2.0), np.ones((1, 3), bool)).unpacked()
    np.testing.assert_array_equal(found[0, :, 0], [1.0, 1.0, np.inf])


def test_arrays_hold_it_exactly():
    before = pack(*random_map(0.3, 3))
    after = map_from_arrays(arrays_from_map(before))
    for a, b in zip(before.unpacked(), after.unpacked(), strict=True):
        np.testing.assert_array_equal(a, b)
