"""Pairs of photos: near ones, and a graph in one piece by the strongest links there are."""

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from dust3r_sfm.retrieval import SearchConfig, nearest_neighbours, similarity_pairs


def islands(count: int, photos_each: int, seed: int = 0) -> np.ndarray:
    """Photos in tight groups that are far from one another."""
    random = np.random.default_rng(seed)
    centres = np.repeat(random.normal(size=(count, 16)), photos_each, axis=0)
    rows = centres + 0.1 * random.normal(size=centres.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def components(pairs: np.ndarray, count: int) -> np.ndarray:
    edges = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(edges, directed=False)[1]


@pytest.mark.parametrize("entries", [100, 4_000_000])
def test_islands_are_joined_by_a_maximum_spanning_tree(entries: int) -> None:
    """Checked against scipy's tree over the strongest links between islands."""
    rows = islands(7, 6)
    pairs = similarity_pairs(rows, 3, config=SearchConfig(entries_at_once=entries))
    island = np.arange(42) // 6
    bridges = pairs[island[pairs[:, 0]] != island[pairs[:, 1]]]
    assert components(pairs, 42).max() == 0
    assert len(bridges) == 6
    similarity = rows @ rows.T
    strongest = similarity.reshape(7, 6, 7, 6).max(axis=(1, 3))
    np.fill_diagonal(strongest, 0)
    tree = minimum_spanning_tree(np.where(strongest != 0, 2.0 - strongest, 0.0))
    expected = np.sort(2.0 - tree.data)
    np.testing.assert_allclose(np.sort(similarity[bridges[:, 0], bridges[:, 1]]), expected, atol=1e-6)


def test_every_photo_has_its_neighbours() -> None:
    rows = islands(5, 8)
    pairs = {tuple(pair) for pair in similarity_pairs(rows, 4).tolist()}
    for i, near in enumerate(nearest_neighbours(rows, 4).index.tolist()):
        assert {(min(i, j), max(i, j)) for j in near} <= pairs


def test_pairs_are_sorted_unordered_and_few() -> None:
    pairs = similarity_pairs(islands(5, 8), 4)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_array_equal(pairs, np.unique(pairs, axis=0))
    assert len(pairs) <= 40 * 4 + 39


def test_the_same_again_and_again() -> None:
    rows = islands(6, 5)
    np.testing.assert_array_equal(similarity_pairs(rows, 2, 0.3), similarity_pairs(rows.copy(), 2, 0.3))


def test_photos_that_are_all_equal_or_blank_still_hang_together() -> None:
    equal = np.tile(islands(1, 1), (9, 1))
    for rows in (equal, np.zeros((9, 4), np.float32)):
        pairs = similarity_pairs(rows, 1)
        assert components(pairs, 9).max() == 0


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, []), (2, [[0, 1]])])
def test_few_photos(count: int, expected: list[list[int]]) -> None:
    assert similarity_pairs(islands(1, 2)[:count], 8).tolist() == expected
