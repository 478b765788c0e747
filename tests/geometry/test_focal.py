"""Exact answers, and the pointmaps on which the published estimators were measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.geometry.focal import FocalConfig, focal_from_slopes, focal_median, focal_weiszfeld
from dust3r_sfm.geometry.pixels import pixel_grid

PARITY = Path(__file__).parents[2].parent / "shared" / "parity"

published = pytest.mark.skipif(not PARITY.is_dir(), reason="the parity data is not beside the repository")


@pytest.fixture
def pointmap():
    """Points and centred pixels of a bumpy surface seen with focal 40."""
    rng = np.random.default_rng(3)
    pixels = pixel_grid(24, 32).reshape(-1, 2) - [16.0, 12.0]
    depth = 2.0 + rng.random(len(pixels))
    return np.concatenate([pixels / 40.0 * depth[:, None], depth[:, None]], axis=1), pixels


@pytest.mark.parametrize("estimate", [focal_from_slopes, focal_median, focal_weiszfeld])
def test_exact_pointmap_gives_its_focal(estimate, pointmap):
    points, pixels = pointmap
    assert estimate(points, pixels, np.ones(len(points))) == pytest.approx(40.0, rel=1e-9)


@pytest.mark.parametrize("estimate", [focal_from_slopes, focal_median, focal_weiszfeld])
def test_points_near_zero_depth_do_not_matter(estimate, pointmap):
    points, pixels = pointmap
    points[::9, 2] = 1e-7
    points[1::9, 2] *= -1
    assert estimate(points, pixels, np.ones(len(points))) == pytest.approx(40.0, rel=1e-6)


def test_weiszfeld_reaches_the_minimum_of_its_objective(pointmap):
    points, pixels = pointmap
    points = points + 0.02 * np.random.default_rng(0).standard_normal(points.shape)
    focal = focal_weiszfeld(points, pixels, np.ones(len(points)), FocalConfig(iterations=200))
    slopes = points[:, :2] / points[:, 2:]
    cost = [np.linalg.norm(pixels - factor * focal * slopes, axis=1).sum() for factor in (0.999, 1.0, 1.001)]
    assert cost[1] < min(cost[0], cost[2])
    assert focal == pytest.approx(40.0, rel=5e-3)


@pytest.mark.parametrize("estimate", [focal_from_slopes, focal_median, focal_weiszfeld])
def test_no_usable_point_is_no_focal(estimate, pointmap):
    points, pixels = pointmap
    assert estimate(points, pixels, np.zeros(len(points))) is None
    assert estimate(-points, pixels, np.ones(len(points))) is None


@pytest.mark.parametrize("estimate", [focal_median, focal_weiszfeld])
def test_a_known_principal_point_off_the_centre(estimate):
    """Pixels are counted from it, wherever it is; counted from the centre the answer is another."""
    depth = 1.0 + np.random.default_rng(5).random(24 * 32)
    pixels = pixel_grid(24, 32).reshape(-1, 2)
    points = np.column_stack([(pixels - [5.0, 20.0]) / 30.0 * depth[:, None], depth])
    assert estimate(points, pixels - [5.0, 20.0], np.ones(len(points))) == pytest.approx(30.0, rel=1e-9)
    assert abs(estimate(points, pixels - [16.0, 12.0], np.ones(len(points))) / 30.0 - 1) > 0.02


def published_case(number):
    """Points and pixels (theirs are the integer grid) about the principal point, and what was measured."""
    case = json.loads((PARITY / "focal.json").read_text())[number]
    points = np.load(PARITY / "focal.npz")[f"pts_{number}"].reshape(-1, 3).astype(np.float64)
    pixels = pixel_grid(case["H"], case["W"]).reshape(-1, 2) - 0.5 - case["pp"]
    return points, pixels, case


@published
@pytest.mark.realdata
@pytest.mark.parametrize("number", [0, 6, 7, 8])
def test_equal_to_the_published_estimators_on_benign_pointmaps(number):
    points, pixels, case = published_case(number)
    weights = np.ones(len(points))
    assert focal_median(points, pixels, weights) == pytest.approx(case["median"], rel=1e-6)
    # Theirs stops after ten rounds, a little before the minimum.
    assert focal_weiszfeld(points, pixels, weights, FocalConfig(iterations=10)) == pytest.approx(
        case["weiszfeld"], rel=2e-4
    )


@published
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("number", "focal", "tolerance"),
    [(1, 40.0, 0.01), (2, 55.0, 0.01), (3, 18.0, 0.01), (4, 300.0, 0.04), (5, 40.0, 0.01)],
)
def test_close_where_the_published_estimator_collapses(number, focal, tolerance):
    """With random points, near z = 0 and behind the camera. Of case 4, 6 degrees wide, noise takes 3 %."""
    points, pixels, case = published_case(number)
    assert case["weiszfeld"] < 0.1
    assert focal_weiszfeld(points, pixels, np.ones(len(points))) == pytest.approx(focal, rel=tolerance)
    assert focal_median(points, pixels, np.ones(len(points))) == pytest.approx(focal, rel=tolerance + 0.01)


def test_noise_of_points_shortens_no_focal_from_slopes():
    """Isotropic noise of 2 % of depth: regression on the slopes is short by the share of noise in them."""
    rng = np.random.default_rng(3)
    pixels = rng.uniform(-30, 30, (40_000, 2))
    depth = rng.uniform(1.0, 3.0, len(pixels))
    exact = np.column_stack([pixels / 60.0 * depth[:, None], depth])
    noisy = exact + 0.02 * depth[:, None] * rng.standard_normal(exact.shape)
    weights = np.ones(len(pixels))
    assert focal_from_slopes(exact, pixels, weights) == pytest.approx(60.0, rel=1e-9)
    assert abs(focal_from_slopes(noisy, pixels, weights) / 60.0 - 1) < 8e-4
    assert focal_weiszfeld(noisy, pixels, weights) / 60.0 - 1 < -1e-3


def test_focal_from_slopes_bears_outliers():
    rng = np.random.default_rng(4)
    pixels = rng.uniform(-30, 30, (2000, 2))
    points = np.column_stack([pixels / 60.0, np.ones(len(pixels))])
    points[:200] = rng.uniform(-1, 1, (200, 3))
    assert focal_from_slopes(points, pixels, np.ones(len(pixels))) == pytest.approx(60.0, rel=1e-3)
    assert focal_from_slopes(-points, pixels, np.zeros(len(pixels))) is None
