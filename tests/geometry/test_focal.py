import numpy as np
import pytest

from dust3r_sfm.geometry.focal import focal_median, focal_weiszfeld
from dust3r_sfm.geometry.projection import pixel_grid


@pytest.fixture
def pointmap():
    """Points and centred pixels of a bumpy surface seen with focal 40."""
    rng = np.random.default_rng(3)
    pixels = pixel_grid(24, 32).reshape(-1, 2) - [16.0, 12.0]
    depth = 2.0 + rng.random(len(pixels))
    return np.concatenate([pixels / 40.0 * depth[:, None], depth[:, None]], axis=1), pixels


@pytest.mark.parametrize("estimate", [focal_median, focal_weiszfeld])
def test_exact_pointmap_gives_its_focal(estimate, pointmap):
    points, pixels = pointmap
    assert estimate(points, pixels, np.ones(len(points))) == pytest.approx(40.0, rel=1e-9)


@pytest.mark.parametrize("estimate", [focal_median, focal_weiszfeld])
def test_points_near_zero_depth_do_not_matter(estimate, pointmap):
    points, pixels = pointmap
    points[::9, 2] = 1e-7
    points[1::9, 2] *= -1
    assert estimate(points, pixels, np.ones(len(points))) == pytest.approx(40.0, rel=1e-6)


def test_weiszfeld_reaches_the_minimum_of_its_objective(pointmap):
    points, pixels = pointmap
    points = points + 0.02 * np.random.default_rng(0).standard_normal(points.shape)
    focal = focal_weiszfeld(points, pixels, np.ones(len(points)), iterations=200)
    slopes = points[:, :2] / points[:, 2:]
    cost = [np.linalg.norm(pixels - factor * focal * slopes, axis=1).sum() for factor in (0.999, 1.0, 1.001)]
    assert cost[1] < min(cost[0], cost[2])
    assert focal == pytest.approx(40.0, rel=5e-3)


@pytest.mark.parametrize("estimate", [focal_median, focal_weiszfeld])
def test_no_usable_point_is_no_focal(estimate, pointmap):
    points, pixels = pointmap
    assert estimate(points, pixels, np.zeros(len(points))) is None
    assert estimate(-points, pixels, np.ones(len(points))) is None
