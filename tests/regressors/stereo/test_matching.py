import numpy as np
import pytest
import torch

from dust3r_sfm.regressors.stereo.matching import (
    ROWS_AT_ONCE,
    drop_repeats,
    match_descriptors,
    unit_descriptors,
)
from dust3r_sfm.types import Correspondences


def unit_rows(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def naive_matches(i: np.ndarray, j: np.ndarray, max_ratio: float) -> list[tuple[int, int]]:
    angle = np.arccos(np.clip(i @ j.T, -1, 1))
    found = []
    for row in range(len(i)):
        nearest, second = np.argsort(angle[row])[:2]
        if angle[row, nearest] < max_ratio * angle[row, second] and angle[:, nearest].argmin() == row:
            found.append((row, int(nearest)))
    return found


@pytest.mark.parametrize("max_ratio", [0.7, 0.9, 2.0])
def test_matches_equal_their_naive_twin(max_ratio: float) -> None:
    rng = np.random.default_rng(0)
    i = unit_rows(rng.uniform(size=(ROWS_AT_ONCE + 150, 16)))
    j = np.concatenate([i[rng.permutation(len(i))[:300]], rng.uniform(size=(250, 16))])
    j = unit_rows(j + rng.normal(0, 0.04, j.shape))
    fast = match_descriptors(*(torch.tensor(d, dtype=torch.float32) for d in (i, j)), max_ratio)
    naive = naive_matches(i, j, max_ratio)
    assert 100 < len(naive) < 400
    assert fast.tolist() == [list(pair) for pair in naive]


@pytest.mark.parametrize(("rows_i", "rows_j"), [(0, 5), (5, 0), (5, 1), (0, 0)])
def test_too_few_descriptors_match_nothing(rows_i: int, rows_j: int) -> None:
    found = match_descriptors(torch.eye(8)[:rows_i], torch.eye(8)[:rows_j], 0.8)
    assert found.shape == (0, 2)


def test_none_that_passes_the_ratio_test_is_no_match() -> None:
    same_way_from_all = torch.ones(3, 8) / 8**0.5
    assert match_descriptors(same_way_from_all, torch.eye(8), 0.8).shape == (0, 2)


def test_what_occurs_twice_is_ambiguous_even_if_it_fits_exactly() -> None:
    """Quantised descriptors are a little longer or shorter than 1."""
    for length in (0.99, 1.0, 1.01):
        j = length * torch.eye(8)[[0, 0, 1, 2]]
        assert match_descriptors(length * torch.eye(8)[:3], j, 0.8).tolist() == [[1, 2], [2, 3]]


def test_stored_descriptors_become_unit_vectors() -> None:
    rng = np.random.default_rng(1)
    exact = unit_rows(rng.uniform(size=(20, 128)))
    stored = np.round(512 * exact).astype(np.uint8)
    np.testing.assert_allclose(unit_descriptors(stored, torch.device("cpu")).numpy(), exact, atol=1.01 / 1024)


def test_repeats_of_a_match_are_left_out_and_order_is_kept() -> None:
    pixels_i = np.array([[3.0, 1.0], [1.0, 1.0], [3.0, 1.0], [1.0, 1.0]])
    pixels_j = np.array([[5.0, 5.0], [6.0, 6.0], [5.0, 5.0], [7.0, 6.0]])
    found = drop_repeats(Correspondences(pixels_i, pixels_j, np.array([0.1, 0.2, 0.3, 0.4])))
    np.testing.assert_array_equal(found.pixels_i, pixels_i[[0, 1, 3]])
    np.testing.assert_array_equal(found.pixels_j, pixels_j[[0, 1, 3]])
    np.testing.assert_array_equal(found.weights, [0.1, 0.2, 0.4])
    assert len(drop_repeats(Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)))) == 0
