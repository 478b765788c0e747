"""What several pairs say of the depth of one view, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from exact_scene import ALL_PAIRS, exact_problem

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.refinement.consensus import Consensus, depth_consensus

CONFIG = RefinementConfig()
SAMPLES = 9


def pairs_that_say(depth: np.ndarray, weights: np.ndarray | None = None) -> Edges:
    """Pairs from view 0 to views 1, 2, ... with these depths of view 0, one row a pair. They know nothing of
    their other view."""
    count, samples = depth.shape
    none = np.zeros((count, 0))
    return Edges(
        tail=np.zeros(count, dtype=np.int64),
        head=np.arange(1, count + 1),
        j_from_i=np.tile(np.eye(4), (count, 1, 1)),
        metric=np.ones(count, dtype=bool),
        strength=np.ones(count),
        depth_i=depth,
        weights_i=np.ones_like(depth) if weights is None else weights,
        points_j=np.zeros((count, samples, 3)),
        weights_j=np.zeros((count, samples)),
        match_pixels_i=none[..., None].repeat(2, 2),
        match_pixels_j=none[..., None].repeat(2, 2),
        match_depth_i=none,
        match_weights=none,
    )


def agreed(edges: Edges, log_scale: np.ndarray | None = None) -> Consensus:
    poses = np.tile(np.eye(4), (len(edges) + 1, 1, 1))
    return depth_consensus(edges, poses, np.zeros(len(edges)) if log_scale is None else log_scale, CONFIG)


def test_of_three_pairs_one_may_lie() -> None:
    """The median of three is what two of them say. The third is off by just its lie."""
    depth = np.random.default_rng(0).uniform(1.0, 5.0, SAMPLES)
    found = agreed(pairs_that_say(np.stack([depth, 2.0 * depth, depth])))
    np.testing.assert_allclose(found.log_depth[0], np.log(depth), atol=1e-12)
    np.testing.assert_allclose(found.offset, [0.0, np.log(2.0), 0.0], atol=1e-12)
    assert found.shared[0].all()
    assert found.known.all()


def test_pairs_are_compared_in_world_units_and_told_apart_in_their_own() -> None:
    """log s + offset is how far a pair's depth in the world is above what all say: 0 if scales are right."""
    depth = np.random.default_rng(0).uniform(1.0, 5.0, SAMPLES)
    log_scale = np.log([0.5, 2.0, 3.0])
    found = agreed(pairs_that_say(depth / np.exp(log_scale)[:, None]), log_scale)
    np.testing.assert_allclose(found.log_depth[0], np.log(depth), atol=1e-12)
    np.testing.assert_allclose(log_scale + found.offset, 0.0, atol=1e-12)


def test_offset_and_its_standard_deviation_by_hand() -> None:
    """Three pairs say D, D e^b and D e^-b, with b of .1, .2 and .3 in three samples each. D is the median
    everywhere. The second pair is above it by .2 (median), and half its samples are within .1 of that.

    A standard deviation is 1.4826 median absolute deviations, and a median of n values errs by 1.2533
    standard deviations over sqrt n: together 1.86. On top come the offsets themselves, 0, .2 and .2: such
    errors all samples of a pair have in common, and no number of them makes them smaller."""
    above = np.repeat([0.1, 0.2, 0.3], 3)
    depth = 4.0 * np.exp(np.stack([0.0 * above, above, -above]))
    found = agreed(pairs_that_say(depth))
    np.testing.assert_allclose(found.log_depth[0], np.log(4.0), atol=1e-12)
    np.testing.assert_allclose(found.offset, [0.0, 0.2, -0.2], atol=1e-12)
    common, least = 1.4826 * 0.2, CONFIG.least_depth_spread
    own = 1.86 * 0.1 / np.sqrt(9)
    expected = np.sqrt(np.array([0.0, own, own]) ** 2 + common**2 + least**2)
    np.testing.assert_allclose(found.sigma, expected, rtol=1e-9)


def test_pairs_that_agree_exactly_are_never_quite_sure() -> None:
    found = agreed(pairs_that_say(np.full((3, SAMPLES), 2.0)))
    np.testing.assert_allclose(found.sigma, CONFIG.least_depth_spread)


def test_samples_that_no_pair_knows_are_nan_and_those_of_one_are_not_shared() -> None:
    """What one pair alone says is the depth there. But it cannot be compared with itself."""
    depth, weights = np.full((2, SAMPLES + 2), 3.0), np.ones((2, SAMPLES + 2))
    depth[0, :2] = 7.0
    weights[:, 0] = 0.0
    weights[1, 1] = 0.0
    found = agreed(pairs_that_say(depth, weights))
    assert np.isnan(found.log_depth[0, 0])
    assert found.log_depth[0, 1] == pytest.approx(np.log(7.0))
    np.testing.assert_allclose(found.log_depth[0, 2:], np.log(3.0))
    assert np.isnan(found.log_depth[1:]).all()
    np.testing.assert_array_equal(found.shared[0], [False, False] + [True] * SAMPLES)
    np.testing.assert_allclose(found.offset, 0.0, atol=1e-12)


def test_a_pair_alone_is_compared_with_nothing() -> None:
    """However much it knows: it would always agree with itself."""
    found = agreed(pairs_that_say(np.full((1, SAMPLES), 3.0)))
    np.testing.assert_allclose(found.log_depth[0], np.log(3.0))
    assert not found.known.any()


def test_depth_behind_a_camera_is_no_depth() -> None:
    depth = np.full((2, SAMPLES), 3.0)
    depth[0, :2] = [0.0, -3.0]
    found = agreed(pairs_that_say(depth))
    np.testing.assert_allclose(found.log_depth[0], np.log(3.0))


@pytest.mark.parametrize(("common", "known"), [(CONFIG.min_common_samples, True), (7, False)])
def test_few_samples_in_common_do_not_compare(common: int, known: bool) -> None:
    """The third pair shares so many samples with the others. If too few, it is compared as if it were right:
    with an offset of its own scale alone, and `known` says that it must not count."""
    depth, weights = np.full((3, 20), 2.0), np.ones((3, 20))
    depth[2] = 6.0
    weights[2, common:] = 0.0
    found = agreed(pairs_that_say(depth, weights), np.log([1.0, 1.0, 1.5]))
    np.testing.assert_array_equal(found.known, [True, True, known])
    expected = np.log(6.0 / 2.0) if known else -np.log(1.5)
    assert found.offset[2] == pytest.approx(expected)


def test_pairs_that_lead_into_a_view_tell_its_depth_too() -> None:
    """By the z that their points have in its camera, at the present poses. Here nothing else is known."""
    problem, truth = exact_problem()
    edges = problem.edges
    out_of_2 = ALL_PAIRS.tolist().index([2, 0])
    depth = edges.depth_i[out_of_2] * np.exp(truth.log_scale[out_of_2])
    silent = replace(edges, weights_i=np.zeros_like(edges.weights_i))
    found = depth_consensus(silent, truth.cam_from_world, truth.log_scale, CONFIG)
    np.testing.assert_allclose(found.log_depth[2], np.log(depth), atol=1e-9)
    assert found.shared.all()
    assert not found.known.any()
