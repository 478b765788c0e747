"""Refinement where its optimum is known: the truth of exact pairs, and opinions of a focal in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from exact_scene import ALL_PAIRS, GROUP, VIEWS, exact_problem

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.refinement.consensus import Consensus, depth_consensus
from dust3r_sfm.alignment.refinement.levenberg_marquardt import build_normal_equations, refine
from dust3r_sfm.alignment.refinement.noise_model import PointNoise
from dust3r_sfm.alignment.refinement.problem import Problem, State
from dust3r_sfm.alignment.refinement.residual_blocks import Noise, ResidualBlocks, build_residual_blocks
from dust3r_sfm.geometry import rigid, rotation_from_vector

TO_THE_END = RefinementConfig(rounds=20, at_rest=1e-9)
"""Rounds go on until poses really stand still. By default they end a hundred times sooner than this."""
NOISE = Noise(PointNoise(0.01, 0.03, 0.02), 0.5, 0.02, 1.0, 1.0)
WIDTH = RefinementConfig().cauchy_width


def moved(
    state: State,
    twists: np.ndarray | float = 0.0,
    focals: np.ndarray | float = 0.0,
    scales: np.ndarray | float = 0.0,
    depths: np.ndarray | float = 0.0,
) -> State:
    """Poses turned and shifted in camera axes by `twists`, a row a view; the rest by sums on logs."""
    rows = np.broadcast_to(twists, (VIEWS, 6))
    steps = rigid(rotation_from_vector(np.array(rows[:, :3])), rows[:, 3:])
    return State(
        steps @ state.cam_from_world,
        state.log_focal + focals,
        state.log_scale + scales,
        state.log_depth + depths,
    )


def off(state: State, size: float, seed: int) -> State:
    """All that is solved for, at random a little beside where it should be. Poses 0 and 1 stay."""
    rng = np.random.default_rng(seed)
    twists = size * rng.standard_normal((VIEWS, 6))
    twists[:2] = 0.0
    return moved(
        state,
        twists,
        size * rng.standard_normal(state.log_focal.shape),
        size * rng.standard_normal(state.log_scale.shape),
    )


def begun(problem: Problem, state: State) -> tuple[ResidualBlocks, Consensus]:
    """What a round freezes when it begins at this state."""
    seen = depth_consensus(problem.edges, state.cam_from_world, state.log_scale, problem.config)
    return build_residual_blocks(problem, state, seen, NOISE), seen


def test_the_gradient_is_that_of_the_cost() -> None:
    """Parameter by parameter against finite differences, where residuals are large enough for the robust
    kernel to matter. `build_normal_equations` gives the gradient edge by edge; what a view, a camera
    or an edge has of it is the sum over its edges."""
    problem, truth = exact_problem()
    held, seen = begun(problem, truth)
    state = off(truth, 0.03, seed=1)
    _, _, gradient = build_normal_equations(problem, held, state, seen)
    poses, focals, depths = np.zeros((VIEWS, 6)), np.zeros(2), np.zeros(VIEWS)
    for (i, j), row in zip(ALL_PAIRS.tolist(), gradient, strict=True):
        poses[i] += row[:6]
        poses[j] += row[6:12]
        focals[GROUP[i]] += row[12]
        focals[GROUP[j]] += row[13]
        depths[i] += row[14]
        depths[j] += row[15]

    def slopes(name: str, shape: tuple[int, ...]) -> np.ndarray:
        steps = 1e-7 * np.eye(int(np.prod(shape))).reshape(-1, *shape)
        ends = [
            [
                build_normal_equations(problem, held, moved(state, **{name: sign * step}), seen)[0]
                for step in steps
            ]
            for sign in (1.0, -1.0)
        ]
        return ((np.array(ends[0]) - np.array(ends[1])) / 2e-7).reshape(shape)

    size = np.abs(gradient).max()
    np.testing.assert_allclose(poses, slopes("twists", (VIEWS, 6)), atol=1e-6 * size)
    np.testing.assert_allclose(focals, slopes("focals", (2,)), atol=1e-6 * size)
    np.testing.assert_allclose(depths, slopes("depths", (VIEWS,)), atol=1e-6 * size)
    np.testing.assert_allclose(gradient[:, 16], slopes("scales", (len(ALL_PAIRS),)), atol=1e-6 * size)


def test_exact_pairs_cost_nothing_at_the_truth_and_pull_nowhere() -> None:
    problem, truth = exact_problem()
    held, seen = begun(problem, truth)
    cost, _, gradient = build_normal_equations(problem, held, truth, seen)
    assert cost == pytest.approx(0.0, abs=1e-18)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-6)
    assert build_normal_equations(problem, held, off(truth, 0.03, seed=1), seen)[0] > 100.0


@pytest.mark.parametrize("told_by", ["points", "matches", "both"])
def test_exact_pairs_give_the_truth_back(told_by: str) -> None:
    """From poses, focals and scales that are 2 % off. Two given poses hold the world's size, so that all of
    it compares without more ado."""
    problem, truth = exact_problem(TO_THE_END)
    edges = problem.edges
    if told_by == "points":
        edges = replace(edges, match_weights=0.0 * edges.match_weights)
    if told_by == "matches":
        edges = replace(edges, weights_j=0.0 * edges.weights_j)
    found = refine(replace(problem, edges=edges), off(truth, 0.02, seed=0))
    np.testing.assert_allclose(found.cam_from_world, truth.cam_from_world, atol=1e-8)
    np.testing.assert_allclose(found.log_focal, truth.log_focal, atol=1e-8)
    np.testing.assert_allclose(found.log_scale, truth.log_scale, atol=1e-8)
    assert found.cost < 1e-9
    assert found.start_cost > 100.0
    if told_by != "matches":  # Residuals are of points.
        np.testing.assert_allclose(found.residual_px, 0.0, atol=1e-7)
        assert found.start_residual_px.max() > 1.0


def test_without_given_poses_the_truth_comes_back_in_some_size() -> None:
    """The world may be of any size: baselines and scales grow together, and nothing else changes."""
    problem, truth = exact_problem(TO_THE_END)
    problem = replace(problem, pose_given=np.zeros(VIEWS, dtype=bool))
    twists = np.zeros((VIEWS, 6))
    twists[1] = [0.02, -0.01, 0.0, 0.03, 0.01, -0.02]
    found = refine(problem, moved(off(truth, 0.02, seed=0), twists))
    size = np.linalg.norm(found.cam_from_world[1, :3, 3]) / np.linalg.norm(truth.cam_from_world[1, :3, 3])
    assert abs(size - 1.0) > 1e-4
    expected = rigid(truth.cam_from_world[:, :3, :3], size * truth.cam_from_world[:, :3, 3])
    np.testing.assert_allclose(found.cam_from_world, expected, atol=1e-8)
    np.testing.assert_allclose(found.log_focal, truth.log_focal, atol=1e-8)
    np.testing.assert_allclose(found.log_scale, truth.log_scale + np.log(size), atol=1e-8)


TRUE_FOCAL, GIVEN_FOCAL = 100.0, 50.0
SIGMA_PX = RefinementConfig().least_spread_px
"""What matches are assumed to err by if they seem to be exact."""


def turning_pair(
    slopes: np.ndarray, evidence: tuple[float, float], config: RefinementConfig
) -> tuple[Problem, State]:
    """One pair without a baseline or any points, whose matches show the focal of view j and nothing else: the
    pixel f u of a known slope u. Poses and the focal of view i are given. `evidence`: what else is said of
    the log focal of view j, and with what information. The state is where matches agree."""
    count = len(slopes)
    none, ones = np.zeros((1, 1)), np.ones((1, count))
    edges = Edges(
        tail=np.array([0]),
        head=np.array([1]),
        j_from_i=np.eye(4)[None],
        metric=np.ones(1, dtype=bool),
        strength=np.ones(1),
        depth_i=none,
        weights_i=none,
        points_j=np.zeros((1, 1, 3)),
        weights_j=none,
        match_pixels_i=GIVEN_FOCAL * slopes[None],
        match_pixels_j=TRUE_FOCAL * slopes[None],
        match_depth_i=ones,
        match_weights=ones,
    )
    problem = Problem(
        edges=edges,
        pixels=np.zeros((2, 1, 2)),
        centres=np.zeros((2, 2)),
        log_view_scale=np.zeros(2),
        group=np.arange(2),
        evidence=FocalEvidence(np.array([np.log(GIVEN_FOCAL), evidence[0]]), np.array([np.inf, evidence[1]])),
        pose_given=np.ones(2, dtype=bool),
        most_samples=count,
        config=config,
    )
    poses = np.tile(np.eye(4), (2, 1, 1))
    return problem, State(poses, np.log([GIVEN_FOCAL, TRUE_FOCAL]), np.zeros(1), np.zeros(2))


ALL_BUT_QUADRATIC = RefinementConfig(cauchy_width=1e3, rounds=1, least_gain=0.0)
"""A kernel so wide that it changes nothing, and the noise as it is at the start."""


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_matches_and_evidence_meet_at_their_information_weighted_mean(share: float) -> None:
    """n matches f u with noise sigma know log f with information f^2 sum |u|^2 / sigma^2. What else is known
    of it pulls by its own: with a `share` of all information it gets that share of the way."""
    slopes = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    own = TRUE_FOCAL**2 * (slopes**2).sum() / SIGMA_PX**2
    apart, pull = 1e-4, own * share / (1.0 - share)
    problem, start = turning_pair(slopes, (np.log(TRUE_FOCAL) + apart, pull), ALL_BUT_QUADRATIC)
    found = refine(problem, start)
    assert found.log_focal[1] - np.log(TRUE_FOCAL) == pytest.approx(share * apart, rel=1e-3)
    # Both residuals of the optimum: own share^2 + pull (1 - share)^2 = own share, halved.
    assert found.cost == pytest.approx(0.5 * own * share * apart**2, rel=1e-3)
    assert found.start_cost == pytest.approx(0.5 * pull * apart**2, rel=1e-3)
    assert found.log_focal[0] == np.log(GIVEN_FOCAL)


def test_a_residual_as_large_as_the_kernel_counts_half() -> None:
    """Cauchy: rho = w^2 log(1 + r^2 / w^2), of weight 1 / (1 + r^2 / w^2). At r = w that is 1/2, and the cost
    w^2 log 2 instead of w^2, halved as all costs are."""
    problem, right = turning_pair(np.array([[0.2, 0.0]]), (np.nan, 0.0), RefinementConfig())
    seen = depth_consensus(problem.edges, right.cam_from_world, right.log_scale, problem.config)
    held = build_residual_blocks(problem, right, seen, NOISE)
    focal = TRUE_FOCAL + WIDTH * NOISE.matches_px / 0.2
    state = replace(right, log_focal=np.log([GIVEN_FOCAL, focal]))
    cost, normal, gradient = build_normal_equations(problem, held, state, seen)
    jacobian = focal * 0.2 / NOISE.matches_px
    assert cost == pytest.approx(0.5 * WIDTH**2 * np.log(2.0))
    assert normal[0, 13, 13] == pytest.approx(0.5 * jacobian**2)
    assert gradient[0, 13] == pytest.approx(0.5 * jacobian * WIDTH)


@pytest.mark.parametrize("off_px", [1.0, 10.0])
def test_the_further_a_match_is_off_the_less_it_pulls(off_px: float) -> None:
    """A residual of r standard deviations pulls by r / (1 + r^2 / w^2), which is about w^2 / r; against it
    stand all other matches with their information."""
    slopes = np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    slopes[0] = [0.3, 0.0]
    problem, start = turning_pair(
        slopes, (np.nan, 0.0), replace(RefinementConfig(), rounds=1, least_gain=0.0)
    )
    problem.edges.match_pixels_j[0, 0, 0] += off_px
    found = refine(problem, start)
    deviations = off_px / SIGMA_PX
    jacobian = TRUE_FOCAL * 0.3 / SIGMA_PX
    others = TRUE_FOCAL**2 * (slopes[1:] ** 2).sum() / SIGMA_PX**2
    pulled = jacobian * deviations / (1.0 + deviations**2 / WIDTH**2) / others
    assert found.log_focal[1] - np.log(TRUE_FOCAL) == pytest.approx(pulled, rel=1e-2)
