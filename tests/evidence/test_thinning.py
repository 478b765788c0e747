import numpy as np

from dust3r_sfm.evidence.thinning import thin_correspondences
from dust3r_sfm.types import Correspondences

COUNT, LIMIT = 4000, 1000


def three_views(seed: int) -> list[np.ndarray]:
    """Where each of three views sees the same points."""
    return list(np.random.default_rng(seed).uniform(0, 512, (3, COUNT, 2)))


def between(a: np.ndarray, b: np.ndarray) -> Correspondences:
    """In an order of the pair's own, with the index of each point as its weight."""
    order = np.random.default_rng(int(1e6 * a[0, 0])).permutation(COUNT)
    return Correspondences(a[order], b[order], order.astype(float))


def kept_points(a: np.ndarray, b: np.ndarray) -> set[int]:
    return set(thin_correspondences(between(a, b), LIMIT).weights.astype(int).tolist())


def test_few_stay_as_they_are() -> None:
    a, b, _ = three_views(0)
    found = between(a, b)
    kept = thin_correspondences(found, COUNT)
    assert kept.pixels_i.dtype == kept.pixels_j.dtype == kept.weights.dtype == np.float32
    np.testing.assert_array_equal(kept.weights, found.weights)
    np.testing.assert_array_equal(kept.pixels_i, found.pixels_i.astype(np.float32))


def test_order_and_direction_do_not_matter() -> None:
    a, b, _ = three_views(1)
    assert len(kept_points(a, b)) == LIMIT
    assert kept_points(a, b) == kept_points(b, a)


def test_tracks_stay_whole() -> None:
    """Of the points two pairs keep, the third keeps most; chosen by chance it would be a quarter."""
    a, b, c = three_views(2)
    both = kept_points(a, b) & kept_points(b, c)
    assert len(both) > 1.5 * LIMIT**2 / COUNT
    assert len(both & kept_points(a, c)) > 0.6 * len(both)


def test_they_are_spread_as_all_are() -> None:
    a, b, _ = three_views(3)
    kept = thin_correspondences(between(a, b), LIMIT)
    for pixels in (kept.pixels_i, kept.pixels_j):
        counts = np.histogram2d(*pixels.T, bins=4, range=[[0, 512]] * 2)[0]
        assert (np.abs(counts - LIMIT / 16) < 5 * np.sqrt(LIMIT / 16)).all()
