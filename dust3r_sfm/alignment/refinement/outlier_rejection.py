"""Refinement of a component that drops what it shows to be wrong on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.alignment.averaging.scales import Ties, depth_ties, tie_islands
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.levenberg_marquardt import Refined, refine
from dust3r_sfm.alignment.refinement.problem import Problem, State

MAX_CLEARINGS = 6
"""Times edges are dropped and the rest refined again, before it is taken as it is."""
LATER_ROUNDS = 1
"""Of refinement that starts where the one before it ended, but for a few edges."""
FEW = 0.005
"""Share of edges that may go without another refinement: robust kernels gave them hardly any weight."""
NOT_COMPARABLE = "shares no depth with the other pairs"
MISFIT, MISFIT_FOCALS = 5.0, 0.005
"""An edge is wrong whose points miss by more than so many times the median of all edges, and by this share
of the focal."""


@dataclass(frozen=True)
class Cleared:
    """`rows` of the problem's edges that are left, refined without the others, or with a few that weighed
    next to nothing. `wrong`: the others, and why. `broken`: without the last of them the graph is no longer
    one piece, so that `refined` is of no use."""

    refined: Refined
    rows: Int[np.ndarray, " left"]
    wrong: Mapping[int, str]
    broken: bool


def refined_and_cleared(problem: Problem, state: State, whole: Edges) -> Cleared:
    """Refined, and again without the edges that are wrong, until none is, or few are. `whole`: the problem's
    edges with all their samples."""
    rows, wrong = np.arange(len(problem.edges)), dict[int, str]()
    refined = refine(problem, state)
    for _ in range(MAX_CLEARINGS):
        bad = _misfits(refined, problem)
        if not bad:
            break
        wrong |= {int(rows[edge]): reason for edge, reason in bad.items()}
        keep = np.ones(len(rows), dtype=bool)
        keep[list(bad)] = False
        if not _connected(problem, keep):
            return Cleared(refined, rows[keep], wrong, broken=True)
        left = rows[keep]
        apart = left[~comparable(depth_ties(whole.select(left)), len(left))]
        wrong |= {int(edge): NOT_COMPARABLE for edge in apart}
        keep &= ~np.isin(rows, apart)
        if len(apart) and not _connected(problem, keep):
            return Cleared(refined, rows[keep], wrong, broken=True)
        few = len(bad) <= FEW * len(rows) and not len(apart)
        rows, refined = rows[keep], _of_edges(refined, keep)
        if few:
            return Cleared(refined, rows, wrong, broken=False)
        problem = replace(problem, edges=problem.edges.select(keep))
        state = replace(state, log_scale=state.log_scale[keep])
        refined = refine(problem, _continued(refined), state, LATER_ROUNDS)
    return Cleared(refined, rows, wrong, broken=False)


def _misfits(refined: Refined, problem: Problem) -> dict[int, str]:
    """Edges whose points do not land where they should even after refinement, or that have none."""
    residual = refined.residual_px
    unknown = np.isnan(residual)
    typical = float(np.median(residual[~unknown])) if not unknown.all() else 0.0
    focal = np.exp(refined.log_focal[problem.group] + problem.log_view_scale)[problem.edges.head]
    bad = residual > np.maximum(MISFIT * typical, MISFIT_FOCALS * focal)
    missed = {int(e): f"its points miss by {residual[e]:.1f} pixels" for e in np.flatnonzero(bad)}
    return missed | {int(e): "too few points are known" for e in np.flatnonzero(unknown)}


def _of_edges(refined: Refined, keep: Bool[np.ndarray, " e"]) -> Refined:
    """As it is, with what it says of some edges."""
    return replace(
        refined,
        log_scale=refined.log_scale[keep],
        residual_px=refined.residual_px[keep],
        start_residual_px=refined.start_residual_px[keep],
    )


def _continued(refined: Refined) -> State:
    poses = refined.cam_from_world
    return State(poses, refined.log_focal, refined.log_scale, np.zeros(len(poses)))


def comparable(ties: Ties, num_edges: int) -> Bool[np.ndarray, " e"]:
    """Those metric edges, of one at least, whose scales are comparable with most others'."""
    labels = tie_islands(ties, num_edges)
    return labels == np.bincount(labels).argmax()


def _connected(problem: Problem, keep: Bool[np.ndarray, " e"]) -> bool:
    """Whether these edges alone join all views."""
    tail, head, size = problem.edges.tail[keep], problem.edges.head[keep], problem.num_views
    graph = csr_matrix((np.ones(len(tail)), (tail, head)), shape=(size, size))
    return bool(connected_components(graph, directed=False)[0] == 1)
