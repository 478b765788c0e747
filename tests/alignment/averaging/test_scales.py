"""Scales from shared depths, of hand-made edges whose true scales are known."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.averaging.scales import ScaleConfig, average_log_scales, depth_ties, tie_islands
from dust3r_sfm.alignment.pairs.edges import Edges

SAMPLES = 40
DEPTHS = np.random.default_rng(2).uniform(2.0, 6.0, (4, SAMPLES))
"""Of four views, in the world."""
ALL = np.ones(SAMPLES, dtype=bool)

CONFIG = ScaleConfig()


def part(start: int, stop: int) -> np.ndarray:
    return (np.arange(SAMPLES) >= start) & (np.arange(SAMPLES) < stop)


def edges_of(rows) -> Edges:
    """Rows of (i, j, world from pair, samples of i that are known, samples of j), all with identity poses."""
    tail, head, scale, known_i, known_j = (np.array(values) for values in zip(*rows, strict=True))
    in_j = DEPTHS[head] / scale[:, None]
    none = np.zeros((len(tail), 0))
    return Edges(
        tail,
        head,
        np.tile(np.eye(4), (len(tail), 1, 1)),
        np.ones(len(tail), dtype=bool),
        np.ones(len(tail)),
        DEPTHS[tail] / scale[:, None],
        known_i.astype(float),
        np.stack([0 * in_j, 0 * in_j, in_j], axis=-1),
        known_j.astype(float),
        none[..., None].repeat(2, 2),
        none[..., None].repeat(2, 2),
        none,
        none,
    )


def relative(log_scales: np.ndarray) -> np.ndarray:
    return np.exp(log_scales - log_scales[0])


def test_scales_come_through_maps_that_share_no_sample():
    """View 1 is known on its left, in its middle and on its right: only the middle joins the others."""
    scales = [1.0, 3.0, 0.5]
    rows = [(0, 1, scales[0], ALL, part(0, 18))]
    rows += [(2, 1, scales[1], ALL, part(10, 30)), (3, 1, scales[2], ALL, part(20, 40))]
    edges = edges_of(rows)
    ties = depth_ties(edges, CONFIG)
    assert (tie_islands(ties, 3) == 0).all()
    found = average_log_scales(ties, 3, CONFIG)
    np.testing.assert_allclose(relative(found.of_edges), scales, rtol=1e-9)
    assert found.error == pytest.approx([0.0] * 3, abs=1e-9)
    assert found.objective == pytest.approx(0.0, abs=1e-9)


def test_maps_that_share_nothing_are_islands():
    edges = edges_of([(0, 1, 1.0, ALL, part(0, 20)), (2, 1, 2.0, ALL, part(20, 40))])
    assert len(set(tie_islands(depth_ties(edges, CONFIG), 2))) == 2


def test_a_map_with_hardly_a_sample_is_tied_to_nothing_by_it():
    edges = edges_of([(0, 1, 1.0, ALL, part(0, 3)), (1, 2, 2.0, ALL, ALL)])
    ties = depth_ties(edges, CONFIG)
    assert sorted(zip(ties.edge.tolist(), ties.hub.tolist(), strict=True)) == [(0, 0), (1, 1), (1, 2)]


def test_a_pair_whose_depths_contradict_each_other_is_shown_and_moves_nobody():
    scales = np.random.default_rng(5).uniform(0.5, 2.0, 12)
    ends = [(i, j) for i in range(4) for j in range(4) if i != j]
    edges = edges_of([(i, j, s, ALL, ALL) for (i, j), s in zip(ends, scales, strict=True)])
    wrong = 5
    edges.points_j[wrong] *= 2.0
    found = average_log_scales(depth_ties(edges, CONFIG), 12, CONFIG)
    others = np.arange(12) != wrong
    assert found.error[wrong] == pytest.approx(np.log(2.0), rel=1e-3)
    assert found.error[others].max() < 1e-3
    np.testing.assert_allclose(relative(found.of_edges)[others], (scales / scales[0])[others], rtol=1e-3)


def test_thinned_edges_keep_the_first_samples_and_as_many_matches_in_proportion():
    edges = edges_of([(0, 1, 1.0, ALL, part(0, 20)), (1, 2, 2.0, ALL, ALL)])
    numbers = np.tile(np.arange(12.0), (2, 1))
    pixels = numbers[..., None].repeat(2, 2)
    edges = replace(
        edges, match_pixels_i=pixels, match_pixels_j=pixels, match_depth_i=numbers, match_weights=numbers
    )
    thin = edges.thin(10)
    np.testing.assert_array_equal(thin.points_j, edges.points_j[:, :10])
    np.testing.assert_array_equal(thin.weights_i, edges.weights_i[:, :10])
    assert thin.match_depth_i.tolist() == thin.match_pixels_j[..., 1].tolist() == [[0.0, 6.0, 11.0]] * 2
    assert edges.thin(SAMPLES) is edges
