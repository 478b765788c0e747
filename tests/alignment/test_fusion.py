import numpy as np
import pytest

from dust3r_sfm.alignment.depth_correction import corrected_depth, inverse_depth_correction
from dust3r_sfm.alignment.fusion import fuse_pixels


def test_agreeing_maps_gain_confidence_and_average():
    depth = np.array([[2.0], [2.01], [1.99]])
    fused, confidence = fuse_pixels(depth, np.full((3, 1), 5.0))
    assert fused[0] == pytest.approx(2.0, rel=1e-3)
    assert confidence[0] > 6.0


def test_one_map_alone_keeps_its_confidence():
    fused, confidence = fuse_pixels(np.array([[3.0], [0.0]]), np.array([[4.0], [1.0]]))
    assert fused[0] == pytest.approx(3.0)
    assert confidence[0] == pytest.approx(4.0)


def test_the_majority_wins_and_equal_disagreement_knows_nothing():
    fused, confidence = fuse_pixels(np.array([[2.0, 2.0], [2.0, 9.0], [7.0, 0.0]]), np.full((3, 2), 5.0))
    assert fused[0] == pytest.approx(2.0, rel=1e-3)
    assert 1.0 < confidence[0] < 5.0
    assert confidence[1] == pytest.approx(1.0, abs=1e-3)


def test_unknown_everywhere_is_depth_zero_confidence_one():
    fused, confidence = fuse_pixels(np.zeros((2, 1)), np.ones((2, 1)))
    assert fused[0] == 0.0
    assert confidence[0] == 1.0


def test_correction_is_exact_despite_outliers():
    rng = np.random.default_rng(0)
    inverse = rng.uniform(0.2, 1.0, 100)
    wanted = 0.9 * inverse + 0.05
    wanted[::5] *= 1.2
    assert inverse_depth_correction(inverse, wanted) == pytest.approx((0.9, 0.05), abs=1e-3)


def test_depth_is_corrected_by_many_tracks_and_left_by_few():
    rng = np.random.default_rng(1)
    depth = rng.uniform(1.0, 4.0, (20, 30))
    true = 1.0 / (0.9 / depth + 0.05)
    pixels = rng.uniform([0, 0], [30, 20], (80, 2))
    at_tracks = true[pixels[:, 1].astype(int), pixels[:, 0].astype(int)]
    np.testing.assert_allclose(corrected_depth(depth, pixels, at_tracks), true, rtol=1e-6)
    np.testing.assert_array_equal(corrected_depth(depth, pixels[:10], at_tracks[:10]), depth)
