"""Exact fundamental matrices of known cameras give the focals back."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from dust3r_sfm.geometry import rotation_from_vector
from dust3r_sfm.regressors.stereo.self_calibration import (
    FocalPrior,
    FundamentalPair,
    SelfCalibrationConfig,
    self_calibrate_focals,
)

LONG_EDGE = 1600.0
CONFIG = SelfCalibrationConfig()


def skew(v: np.ndarray) -> np.ndarray:
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def general_pairs(focals: Sequence[float], cameras: Sequence[int], seed: int = 0) -> list[FundamentalPair]:
    """All pairs of views that move and turn at random; view k is of camera `cameras[k]`, whose focal over
    the long edge is `focals[cameras[k]]`. Every second view is at half the size."""
    rng = np.random.default_rng(seed)
    rotations = rotation_from_vector(rng.uniform(-0.5, 0.5, (len(cameras), 3)))
    centres = rng.uniform(-1.0, 1.0, (len(cameras), 3))
    edges = [LONG_EDGE / (1 + index % 2) for index in range(len(cameras))]
    pairs = []
    for i, j in itertools.combinations(range(len(cameras)), 2):
        turn = rotations[j] @ rotations[i].T
        essential = skew(rotations[j] @ (centres[i] - centres[j])) @ turn
        scale_i, scale_j = (np.diag([1.0 / (focals[cameras[k]] * edges[k])] * 2 + [1.0]) for k in (i, j))
        fundamental = scale_j @ essential @ scale_i
        fundamental *= rng.uniform(0.5, 2.0) / np.linalg.norm(fundamental)
        pairs.append(FundamentalPair(cameras[i], cameras[j], edges[i], edges[j], fundamental, 10.0))
    return pairs


@pytest.mark.parametrize("focal", [0.7, 1.1, 1.9])
def test_one_camera(focal: float) -> None:
    found = self_calibrate_focals(general_pairs([focal], [0] * 5), [None], CONFIG)
    np.testing.assert_allclose(found, [focal], rtol=5e-3)


def test_two_views_of_one_camera_are_enough() -> None:
    found = self_calibrate_focals(general_pairs([1.4], [0, 0], seed=1), [None], CONFIG)
    np.testing.assert_allclose(found, [1.4], rtol=5e-3)


def test_a_camera_each() -> None:
    focals = [0.8, 1.0, 1.3, 0.9, 1.7, 1.2]
    found = self_calibrate_focals(general_pairs(focals, range(6)), [None] * 6, CONFIG)
    np.testing.assert_allclose(found, focals, rtol=5e-3)


def test_two_cameras_with_several_views() -> None:
    found = self_calibrate_focals(general_pairs([0.8, 1.6], [0, 1, 0, 1, 1]), [None, None], CONFIG)
    np.testing.assert_allclose(found, [0.8, 1.6], rtol=5e-3)


def test_wrong_pairs_are_outvoted() -> None:
    rng = np.random.default_rng(3)
    pairs = general_pairs([1.5], [0] * 6)
    for index in range(0, len(pairs), 3):
        u, _, vt = np.linalg.svd(rng.standard_normal((3, 3)))
        wrong = np.diag([1 / LONG_EDGE] * 2 + [1.0]) @ u @ np.diag([1.0, 0.3, 0.0]) @ vt
        pairs[index] = FundamentalPair(0, 0, LONG_EDGE, LONG_EDGE, wrong, 10.0)
    np.testing.assert_allclose(self_calibrate_focals(pairs, [None], CONFIG), [1.5], rtol=5e-3)


def test_without_pairs_the_lens_is_an_ordinary_one_or_what_exif_says() -> None:
    found = self_calibrate_focals([], [None, FocalPrior(2.3, 0.05)], CONFIG)
    np.testing.assert_allclose(found, [CONFIG.ordinary_focal, 2.3], rtol=5e-3)


def test_pairs_overrule_exif() -> None:
    found = self_calibrate_focals(general_pairs([1.2], [0] * 5), [FocalPrior(1.3, 0.05)], CONFIG)
    np.testing.assert_allclose(found, [1.2], rtol=5e-3)


def test_what_is_known_is_not_overruled() -> None:
    found = self_calibrate_focals(
        general_pairs([1.2, 0.9], [0, 1, 0, 1, 1]), [FocalPrior(1.2, 0.0), None], CONFIG
    )
    assert found[0] == 1.2
    np.testing.assert_allclose(found[1], 0.9, rtol=5e-3)


def test_focals_beyond_all_lenses_end_at_the_border() -> None:
    for prior, border in zip((0.1, 20.0), CONFIG.relative_focals, strict=True):
        found = self_calibrate_focals([], [FocalPrior(prior, 0.05)], CONFIG)
        np.testing.assert_allclose(found, [border], rtol=0.03)


def test_order_does_not_matter() -> None:
    pairs = general_pairs([1.4], [0] * 5)
    np.testing.assert_allclose(
        self_calibrate_focals(pairs[::-1], [None], CONFIG),
        self_calibrate_focals(pairs, [None], CONFIG),
        rtol=1e-12,
    )
