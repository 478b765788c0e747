"""Neighbours against a naive search, in blocks or not."""

import numpy as np
import pytest

from dust3r_sfm.retrieval import SearchConfig, diverse_neighbours, nearest_neighbours
from dust3r_sfm.retrieval.search import similarity_blocks


def unit_rows(count: int, size: int = 12, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def naive_nearest(rows: np.ndarray, k: int, query: int) -> list[int]:
    others = [other for other in range(len(rows)) if other != query]
    return sorted(others, key=lambda other: -float(rows[query] @ rows[other]))[:k]


@pytest.mark.parametrize("entries", [1, 150, 4_000_000])
def test_blocks_of_any_size_find_what_a_naive_search_does(entries: int) -> None:
    rows = unit_rows(50)
    found = nearest_neighbours(rows, 5, config=SearchConfig(entries_at_once=entries))
    for query in range(50):
        assert found.index[query].tolist() == naive_nearest(rows, 5, query)
        np.testing.assert_allclose(
            found.similarity[query], rows[query] @ rows[found.index[query]].T, atol=1e-6
        )


def test_no_more_similarities_at_a_time_than_allowed() -> None:
    blocks = [block.size for _, block in similarity_blocks(unit_rows(50), unit_rows(100), 300)]
    assert max(blocks) <= 300
    assert sum(blocks) == 50 * 100


def test_queries_find_their_likes_and_keep_equal_ones() -> None:
    rows = unit_rows(30)
    found = nearest_neighbours(rows, 1, rows[7:9])
    assert found.index.tolist() == [[7], [8]]


def test_of_equal_photos_the_first_comes_first() -> None:
    rows = np.tile(unit_rows(1), (6, 1))
    assert nearest_neighbours(rows, 3).index.tolist() == [
        [1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2], [0, 1, 2]
    ]  # fmt: skip


def test_fewer_photos_than_neighbours() -> None:
    assert nearest_neighbours(unit_rows(3), 8).index.shape == (3, 2)
    assert diverse_neighbours(unit_rows(3), 8, 0.3).index.shape == (3, 2)
    assert nearest_neighbours(unit_rows(1), 8).index.shape == (1, 0)
    assert nearest_neighbours(unit_rows(3), 8, unit_rows(2, seed=1)).index.shape == (2, 3)


def test_diversity_passes_over_copies_of_what_is_chosen() -> None:
    """Three equal photos at 10 degrees from the query, one at 30 degrees to its other side."""
    angles = np.radians([10.0, 10.0, 10.0, -30.0])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    query = np.array([[1.0, 0.0]], np.float32)
    assert nearest_neighbours(rows, 2, query).index.tolist() == [[0, 1]]
    found = diverse_neighbours(rows, 2, 0.4, query)
    assert found.index.tolist() == [[0, 3]]
    np.testing.assert_allclose(found.similarity, np.cos(np.radians([[10.0, 30.0]])), atol=1e-6)


def test_no_diversity_is_the_nearest() -> None:
    rows = unit_rows(40)
    np.testing.assert_array_equal(diverse_neighbours(rows, 6, 0.0).index, nearest_neighbours(rows, 6).index)
    near, diverse = nearest_neighbours(rows, 1).index, diverse_neighbours(rows, 6, 0.5).index
    np.testing.assert_array_equal(diverse[:, 0], near[:, 0])
    assert all(len(set(chosen)) == 6 for chosen in diverse.tolist())
