import warnings

import numpy as np
import pytest
from jaxtyping import Float

from dust3r_sfm.retrieval.clustering import group_sums, kmeans, nearest_centres


def lloyd(
    rows: Float[np.ndarray, "n d"], centres: Float[np.ndarray, "k d"], iterations: int
) -> Float[np.ndarray, "k d"]:
    """The naive twin."""
    for _ in range(iterations):
        nearest = np.linalg.norm(rows[:, None] - centres, axis=2).argmin(axis=1)
        members = [rows[nearest == k] for k in range(len(centres))]
        centres = np.stack([m.mean(axis=0) if len(m) else c for m, c in zip(members, centres, strict=True)])
    return centres


@pytest.mark.parametrize("count", [1, 7])
def test_centres_are_those_of_lloyd_s_iteration_from_random_rows(count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    start = rows[np.sort(np.random.default_rng(3).choice(300, count, replace=False))]
    found = kmeans(rows, count, 10, np.random.default_rng(3))
    np.testing.assert_allclose(found, lloyd(rows, start, 10), atol=1e-5)
    np.testing.assert_array_equal(found, kmeans(rows, count, 10, np.random.default_rng(3)))


def test_equal_rows_are_no_reason_to_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = kmeans(np.ones((20, 4), np.float32), 3, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(found, np.ones((3, 4)))


def test_sums_of_groups() -> None:
    rows = np.array([[0.0, 1.0], [5.0, 5.0], [0.5, 1.0]], np.float32)
    nearest = nearest_centres(rows, np.array([[0.0, 1.0], [5.0, 6.0], [90.0, 90.0]], np.float32))
    np.testing.assert_array_equal(nearest, [0, 1, 0])
    sums, sizes = group_sums(rows, nearest, 3)
    np.testing.assert_array_equal(sums, [[0.5, 2.0], [5.0, 5.0], [0.0, 0.0]])
    np.testing.assert_array_equal(sizes, [2, 1, 0])
