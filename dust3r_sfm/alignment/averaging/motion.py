"""Absolute rotations, pair scales (`scale_averaging.py`) and positions from all edges at once, each a robust
problem on a graph. This is the start for refinement: close enough to be in its basin, blind to wrong edges.

Rotations: iteratively re-weighted on the tangent space (A. Chatterjee and V. Govindu, "Robust relative
rotation averaging", PAMI 2018). Positions: with the scales known the problem is linear.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from dust3r_sfm.alignment.averaging.robust_graph import (
    bounded_sum,
    kernel_weights,
    robust_differences,
    solve_differences,
)
from dust3r_sfm.alignment.averaging.rotation_blocks import ROTATION_ERROR_DEG, tolerance, voted
from dust3r_sfm.alignment.averaging.scales import Ties, average_log_scales
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector, vector_from_rotation
from dust3r_sfm.geometry.robust import known_median

ROTATION_FLOOR, POSITION_FLOOR = 3e-3, 0.02
"""Disagreements (radians, relative to the edge's size) below which an edge is
never taken for an outlier: a lone cycle would otherwise be blamed on one of its edges."""
UNHEARD = 1e-6
"""Weight of edges already known to be wrong, next to 1: that of a graph they alone hold together."""


@dataclass(frozen=True)
class Averaged:
    """cam_from_world of every view and log scale of every edge, in one gauge, with the edges'
    disagreement: rotation in degrees, position relative to the edge's size, log scale. Of edges that are
    `undecided` nothing tells whether they are right (see `voting.py`). The objectives are `bounded_sum`s."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_scale: Float[np.ndarray, " e"]
    rotation_error_deg: Float[np.ndarray, " e"]
    undecided: Bool[np.ndarray, " e"]
    position_error: Float[np.ndarray, " e"]
    scale_error: Float[np.ndarray, " e"]
    rotation_objective: float
    scale_objective: float
    position_objective: float


def _tree_rotations(
    edges: Edges, support: Float[np.ndarray, " e"], num_views: int
) -> Float[np.ndarray, "n 3 3"]:
    """Rotations chained along the strongest spanning tree from view 0."""
    best: dict[tuple[int, int], int] = {}
    for edge in np.argsort(-support, kind="stable"):
        tail, head = int(edges.tail[edge]), int(edges.head[edge])
        best.setdefault((min(tail, head), max(tail, head)), int(edge))
    rows, columns = np.array(list(best)).T
    rank = np.arange(1, len(best) + 1)
    tree = minimum_spanning_tree(sparse.csr_matrix((rank, (rows, columns)), shape=(num_views, num_views)))
    order, parent = breadth_first_order(tree, 0, directed=False)
    rotations = np.tile(np.eye(3), (num_views, 1, 1))
    for view in order[1:]:
        above = int(parent[view])
        edge = best[min(above, int(view)), max(above, int(view))]
        relative = edges.j_from_i[edge, :3, :3]
        forward = edges.tail[edge] == above
        rotations[view] = (relative if forward else relative.T) @ rotations[above]
    return rotations


@dataclass(frozen=True)
class Rotations:
    """cam_from_world rotations, view 0's the identity; each edge's disagreement, and whether nothing tells if
    it is right (see `voting.py`); the objective they minimise."""

    of_views: Float[np.ndarray, "n 3 3"]
    error_deg: Float[np.ndarray, " e"]
    undecided: Bool[np.ndarray, " e"]
    objective: float


def average_rotations(
    edges: Edges, support: Float[np.ndarray, " e"], num_views: int, steps: int = 40
) -> Rotations:
    """Re-weighted from the tree on; then, where edges are left that disagree, put to the vote and re-weighted
    again."""
    start = _tree_rotations(edges, support, num_views)
    rotations = _reweighted_rotations(edges, support, start, range(steps), steps)
    found = voted(edges, rotations, np.degrees(_rotation_errors(edges, rotations)))
    if found.rotations is not rotations:
        support = np.where(found.undecided, UNHEARD, 1.0) * support
        rotations = _reweighted_rotations(edges, support, found.rotations, range(steps // 2, steps), steps)
    errors = _rotation_errors(edges, rotations)
    objective = bounded_sum(errors, support, ROTATION_FLOOR)
    return Rotations(rotations, np.degrees(errors), found.undecided, objective)


def _reweighted_rotations(
    edges: Edges,
    support: Float[np.ndarray, " e"],
    rotations: Float[np.ndarray, "n 3 3"],
    these: range,
    steps: int,
) -> Float[np.ndarray, "n 3 3"]:
    """`these` of all steps. With R <- R exp(x), a residual changes by x_i - x_j to first order."""
    for step in these:
        vectors = _rotation_residuals(edges, rotations)
        weights = support * kernel_weights(np.linalg.norm(vectors, axis=1), step, steps, ROTATION_FLOOR)
        turn = solve_differences(edges.tail, edges.head, vectors, weights, len(rotations))
        rotations = rotations @ rotation_from_vector(turn)
    return rotations


def _rotation_residuals(edges: Edges, rotations: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "e 3"]:
    """log(R_j^T R_e R_i)."""
    chained = edges.j_from_i[:, :3, :3] @ rotations[edges.tail]
    return vector_from_rotation(np.swapaxes(rotations[edges.head], -1, -2) @ chained)


def _rotation_errors(edges: Edges, rotations: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, " e"]:
    """In radians."""
    return np.linalg.norm(_rotation_residuals(edges, rotations), axis=1)


def average_positions(
    edges: Edges,
    rotations: Float[np.ndarray, "n 3 3"],
    log_scale: Float[np.ndarray, " e"],
    weights: Float[np.ndarray, " e"],
    num_views: int,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " e"]]:
    """Camera centres, view 0 at the origin, from c_j - c_i = s_e R_i^T c_e by `weights`; and the error
    relative to each edge's size: its baseline, plus a twentieth of its depth, as short ones are so unsure."""
    in_i = invert_rigid(edges.j_from_i)[:, :3, 3] * np.exp(log_scale)[:, None]
    steps = (np.swapaxes(rotations[edges.tail], -1, -2) @ in_i[..., None])[..., 0]
    known = np.where(edges.weights_i > 0, edges.depth_i, np.nan)
    unit = np.linalg.norm(steps, axis=1) + 0.05 * np.exp(log_scale) * known_median(known)
    return robust_differences(edges.tail, edges.head, steps, weights, num_views, unit, POSITION_FLOOR)


def average(edges: Edges, ties: Ties, support: Float[np.ndarray, " e"], num_views: int) -> Averaged:
    """One component whose views are numbered 0 ... num_views - 1, connected by its metric edges; the
    others count for rotations only, and have scale 1 and no error of scale or position. `ties` are those
    of the metric edges, numbered among themselves.

    Gauge: view 0 is the identity; scale such that edges have a median depth of 1.
    """
    rotations = average_rotations(edges, support, num_views)
    turned = rotations.undecided | (rotations.error_deg > tolerance(rotations.error_deg, ROTATION_ERROR_DEG))
    metric = edges.select(edges.metric)
    log_scale, position_error, scale_error = np.zeros((3, len(edges)))
    averaged = average_log_scales(ties, len(metric))
    depth = known_median(np.where(metric.weights_i > 0, metric.depth_i, np.nan))
    scales = averaged.of_edges - np.median(averaged.of_edges + np.log(depth))
    heard = np.where(turned[edges.metric], UNHEARD, 1.0)
    centres, position_error[edges.metric] = average_positions(
        metric, rotations.of_views, scales, heard, num_views
    )
    log_scale[edges.metric], scale_error[edges.metric] = scales, averaged.error
    translation = -(rotations.of_views @ centres[..., None])[..., 0]
    return Averaged(
        rigid(rotations.of_views, translation),
        log_scale,
        rotations.error_deg,
        rotations.undecided,
        position_error,
        scale_error,
        rotations.objective,
        averaged.objective,
        bounded_sum(position_error[edges.metric], heard, POSITION_FLOOR),
    )
