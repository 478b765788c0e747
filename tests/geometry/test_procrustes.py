import numpy as np
import pytest

from dust3r_sfm.geometry import rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.procrustes import umeyama


@pytest.fixture
def similarity():
    return rigid(2.5 * rotation_from_vector(np.array([0.3, -2.0, 0.9])), np.array([1e3, -5.0, 2.0]))


def test_exact_points_give_the_similarity(similarity):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((20, 3)) + 50.0
    found = umeyama(points, transform_points(similarity, points), rng.random(20) + 0.1)
    np.testing.assert_allclose(found, similarity, atol=1e-8)


def test_planar_points_give_a_rotation_not_a_mirror(similarity):
    points = np.random.default_rng(1).standard_normal((20, 3)) * [1, 1, 0]
    np.testing.assert_allclose(
        umeyama(points, transform_points(similarity, points), np.ones(20)), similarity, atol=1e-8
    )
