"""Refinement of a component that drops what it shows to be wrong on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from dust3r_sfm.alignment.averaging.scales import ScaleConfig, Ties, depth_ties, tie_islands
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.levenberg_marquardt import RefinedState, refine
from dust3r_sfm.alignment.refinement.problem import Problem, State
from dust3r_sfm.geometry.graph import label_components

NOT_COMPARABLE = "shares no depth with the other pairs"


@dataclass(frozen=True)
class Inliers:
    """`rows` of the problem's edges that are left, refined without the others, or with a few that weighed
    next to nothing. `wrong`: the others, and why. `broken`: without the last of them the graph is no longer
    one piece, so that `refined` is of no use."""

    refined: RefinedState
    rows: Int[np.ndarray, " left"]
    wrong: Mapping[int, str]
    broken: bool


def refine_and_reject_outliers(problem: Problem, state: State, whole: Edges, scales: ScaleConfig) -> Inliers:
    """Refined, and again without the edges that are wrong, until none is, or few are. `whole`: the problem's
    edges with all their samples, whose depths tie their `scales`."""
    config = problem.config.outliers
    rows, wrong = np.arange(len(problem.edges)), dict[int, str]()
    refined = refine(problem, state)
    for _ in range(config.most_rejections):
        bad = _misfits(refined, problem)
        if not bad:
            break
        wrong |= {int(rows[edge]): reason for edge, reason in bad.items()}
        keep = np.ones(len(rows), dtype=bool)
        keep[list(bad)] = False
        if not _join_all_views(problem, keep):
            return Inliers(refined, rows[keep], wrong, broken=True)
        left = rows[keep]
        apart = left[~find_comparable(depth_ties(whole.select(left), scales), len(left))]
        wrong |= {int(edge): NOT_COMPARABLE for edge in apart}
        keep &= ~np.isin(rows, apart)
        if len(apart) and not _join_all_views(problem, keep):
            return Inliers(refined, rows[keep], wrong, broken=True)
        few = len(bad) <= config.few * len(rows) and not len(apart)
        rows, refined = rows[keep], _select_edges(refined, keep)
        if few:
            return Inliers(refined, rows, wrong, broken=False)
        problem = replace(problem, edges=problem.edges.select(keep))
        state = replace(state, log_scale=state.log_scale[keep])
        refined = refine(problem, _state_from_refined(refined), state, config.later_rounds)
    return Inliers(refined, rows, wrong, broken=False)


def _misfits(refined: RefinedState, problem: Problem) -> dict[int, str]:
    """Edges whose points do not land where they should even after refinement, or that have none."""
    residual, config = refined.residual_px, problem.config.outliers
    unknown = np.isnan(residual)
    typical = float(np.median(residual[~unknown])) if not unknown.all() else 0.0
    focal = np.exp(refined.log_focal[problem.group] + problem.log_view_scale)[problem.edges.head]
    bad = residual > np.maximum(config.misfit * typical, config.misfit_focals * focal)
    missed = {int(e): f"its points miss by {residual[e]:.1f} pixels" for e in np.flatnonzero(bad)}
    return missed | {int(e): "too few points are known" for e in np.flatnonzero(unknown)}


def _select_edges(refined: RefinedState, keep: Bool[np.ndarray, " e"]) -> RefinedState:
    """As it is, with what it says of some edges."""
    return replace(
        refined,
        log_scale=refined.log_scale[keep],
        residual_px=refined.residual_px[keep],
        start_residual_px=refined.start_residual_px[keep],
    )


def _state_from_refined(refined: RefinedState) -> State:
    poses = refined.cam_from_world
    return State(poses, refined.log_focal, refined.log_scale, np.zeros(len(poses)))


def find_comparable(ties: Ties, num_edges: int) -> Bool[np.ndarray, " e"]:
    """Those metric edges, of one at least, whose scales are comparable with most others'."""
    labels = tie_islands(ties, num_edges)
    return labels == np.bincount(labels).argmax()


def _join_all_views(problem: Problem, keep: Bool[np.ndarray, " e"]) -> bool:
    """Whether these edges alone join all views."""
    tail, head, size = problem.edges.tail[keep], problem.edges.head[keep], problem.num_views
    return bool((label_components(tail, head, size) == 0).all())
