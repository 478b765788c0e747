"""The step of the sparse solver is the one that the whole system, written out, has."""

from dataclasses import replace

import numpy as np
import pytest
from exact_scene import ALL_PAIRS, FOCALS, GROUP, VIEWS, cameras, exact_problem

from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.refinement.problem import Problem, State, damped_step, edge_cameras, focal_offset
from dust3r_sfm.geometry import project, rigid, rotation_from_vector

COUNT = len(ALL_PAIRS)
NOTHING_GIVEN = np.zeros(VIEWS, dtype=bool)


def blocks(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Made-up normal equations of every edge's own terms: positive definite, all parameters coupled."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((COUNT, 40, 17))
    return rows.swapaxes(1, 2) @ rows, rng.standard_normal((COUNT, 17))


def problem_of(
    group: np.ndarray, evidence: FocalEvidence, pose_given: np.ndarray = NOTHING_GIVEN
) -> tuple[Problem, State]:
    problem, state = exact_problem()
    state = replace(state, log_focal=np.log([90.0, 80.0, 60.0][: len(evidence.log_focal)]))
    return replace(problem, group=group, evidence=evidence, pose_given=pose_given), state


def dense_step(problem: Problem, state: State, damping: float) -> np.ndarray:
    """The naive twin: one row and column for each parameter, in order poses, focals, depths, scales, and what
    is held struck out."""
    normal, gradient = blocks()
    focals, depths = 6 * VIEWS, 6 * VIEWS + problem.num_groups
    scales = depths + VIEWS
    system, side = np.zeros((scales + COUNT, scales + COUNT)), np.zeros(scales + COUNT)
    for edge, (i, j) in enumerate(ALL_PAIRS.tolist()):
        at = [
            *range(6 * i, 6 * i + 6),
            *range(6 * j, 6 * j + 6),
            focals + problem.group[i],
            focals + problem.group[j],
            depths + i,
            depths + j,
            scales + edge,
        ]
        np.add.at(system, np.ix_(at, at), normal[edge])
        np.add.at(side, at, gradient[edge])
    for group, pull in enumerate(problem.evidence.information):
        if 0 < pull < np.inf:
            system[focals + group, focals + group] += pull
            side[focals + group] += pull * (state.log_focal[group] - problem.evidence.log_focal[group])
    system += damping * np.diag(np.diag(system))
    held = [v for v in range(VIEWS) if problem.pose_given[v]] or [0]
    fixed = [6 * view + k for view in held for k in range(6)]
    fixed += [focals + group for group, sure in enumerate(np.isinf(problem.evidence.information)) if sure]
    free = np.setdiff1d(np.arange(len(side)), fixed)
    step = np.zeros(len(side))
    step[free] = -np.linalg.solve(system[np.ix_(free, free)], side[free])
    return step


def assert_is_dense_step(problem: Problem, state: State, damping: float) -> State:
    """And gives the state after it."""
    step = dense_step(problem, state, damping)
    poses, focals, depths, scales = np.split(step, np.cumsum([6 * VIEWS, problem.num_groups, VIEWS]))
    found = damped_step(problem, state, *blocks(), damping)
    for view, twist in enumerate(poses.reshape(VIEWS, 6)):
        moved = rigid(rotation_from_vector(twist[:3]), twist[3:]) @ state.cam_from_world[view]
        np.testing.assert_allclose(found.cam_from_world[view], moved, atol=1e-9)
    np.testing.assert_allclose(found.log_focal, state.log_focal + focals, atol=1e-9)
    np.testing.assert_allclose(found.log_depth, state.log_depth + depths, atol=1e-9)
    np.testing.assert_allclose(found.log_scale, state.log_scale + scales, atol=1e-9)
    return found


@pytest.mark.parametrize("damping", [0.0, 1e-3, 1.0])
def test_a_step_is_that_of_the_whole_system(damping: float) -> None:
    """Scales are eliminated edge by edge (their Schur complement), which changes nothing. Evidence of a focal
    pulls with its information, and a group that nothing is known of, with a focal of NaN, does not."""
    evidence = FocalEvidence(np.array([np.log(100.0), np.nan, np.log(70.0)]), np.array([300.0, 0.0, 20.0]))
    problem, state = problem_of(np.arange(VIEWS), evidence)
    assert_is_dense_step(problem, state, damping)


def test_views_of_one_camera_share_a_column() -> None:
    """Pairs of both its views add to one row and column twice over."""
    problem, state = problem_of(GROUP, FocalEvidence(np.log([100.0, 70.0]), np.array([5.0, 9.0])))
    assert_is_dense_step(problem, state, 0.0)


def test_view_0_stays_where_no_pose_is_given() -> None:
    """All cameras could be moved together at no cost. One that stays takes that freedom away."""
    problem, state = problem_of(GROUP, FocalEvidence(np.full(2, np.nan), np.zeros(2)))
    found = assert_is_dense_step(problem, state, 0.0)
    np.testing.assert_array_equal(found.cam_from_world[0], state.cam_from_world[0])
    moved = np.abs(found.cam_from_world - state.cam_from_world).max(axis=(1, 2))
    assert (moved[1:] > 1e-3).all()


def test_given_poses_stay_and_view_0_is_then_free() -> None:
    problem, state = problem_of(
        GROUP, FocalEvidence(np.full(2, np.nan), np.zeros(2)), np.array([False, True, False])
    )
    found = assert_is_dense_step(problem, state, 0.0)
    np.testing.assert_array_equal(found.cam_from_world[1], state.cam_from_world[1])
    moved = np.abs(found.cam_from_world - state.cam_from_world).max(axis=(1, 2))
    assert (moved[[0, 2]] > 1e-3).all()


def test_given_focals_stay() -> None:
    """Their information is infinite; that of the others is not disturbed by it."""
    problem, state = problem_of(GROUP, FocalEvidence(np.log([100.0, 70.0]), np.array([np.inf, 9.0])))
    found = assert_is_dense_step(problem, state, 0.0)
    assert found.log_focal[0] == state.log_focal[0]
    assert abs(found.log_focal[1] - state.log_focal[1]) > 1e-3


def test_focals_are_off_by_what_the_evidence_says_and_by_nothing_without_any() -> None:
    evidence = FocalEvidence(np.array([np.log(100.0), np.nan, np.log(70.0)]), np.array([4.0, 0.0, np.inf]))
    problem, state = problem_of(np.arange(VIEWS), evidence)
    np.testing.assert_allclose(focal_offset(problem, state), [np.log(0.9), 0.0, 0.0], atol=1e-12)


def test_an_edge_sees_its_cameras_relative_to_each_other_and_focals_in_view_pixels() -> None:
    """Its matches, at its own depths times its scale, fall where the cameras of the scene see them."""
    problem, state = exact_problem()
    rows = np.array([3, 0])
    found = edge_cameras(problem, state, rows)
    for k, edge in enumerate(rows.tolist()):
        i, j = ALL_PAIRS[edge].tolist()
        focal = float(found.focal_i[k])
        assert focal == pytest.approx(FOCALS[GROUP[i]] * (0.5 if i == 1 else 1.0))
        depth = found.scale[k] * problem.edges.match_depth_i[edge]
        slopes = (problem.edges.match_pixels_i[edge] - found.centre_i[k]) / focal
        points = np.concatenate([slopes, np.ones((len(depth), 1))], axis=1) * depth[:, None]
        seen = project(points @ found.rotation[k].T + found.translation[k], cameras()[j])
        np.testing.assert_allclose(seen, problem.edges.match_pixels_j[edge], atol=1e-9)
        assert found.focal_j[k] == pytest.approx(cameras()[j].fx)
