"""Absolute rotations from the relative ones of all edges.

Iteratively re-weighted on the tangent space (A. Chatterjee and V. Govindu, "Robust relative rotation
averaging", PAMI 2018), from the strongest spanning tree on; blocks of views that start wrong are put right by
votes (`rotation_blocks.py`).
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from dust3r_sfm.alignment.averaging.robust_graph import solve_differences
from dust3r_sfm.alignment.averaging.rotation_blocks import RotationBlockConfig, align_rotation_blocks
from dust3r_sfm.alignment.averaging.tolerance import ToleranceConfig
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import rotation_from_vector, vector_from_rotation
from dust3r_sfm.geometry.robust import bounded_sum, kernel_weights


@dataclass(frozen=True)
class RotationConfig:
    """How rotations are averaged."""

    floor_rad: float = 3e-3
    """Disagreement below which an edge is never taken for an outlier: a lone cycle would otherwise be blamed
    on one of its edges."""
    steps: int = 40
    """Of re-weighting: the first half with an L1 kernel, the rest with Geman-McClure's."""
    undecided_weight: float = 1e-6
    """Weight, next to 1, of edges of which nothing tells whether they are right: that of a graph they alone
    hold together."""


def _chain_along_tree(
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
class AveragedRotations:
    """cam_from_world rotations, view 0's the identity; each edge's disagreement, and whether nothing tells if
    it is right (see `rotation_blocks.py`); the objective they minimise."""

    of_views: Float[np.ndarray, "n 3 3"]
    error_deg: Float[np.ndarray, " e"]
    undecided: Bool[np.ndarray, " e"]
    objective: float


def average_rotations(
    edges: Edges,
    support: Float[np.ndarray, " e"],
    num_views: int,
    config: RotationConfig,
    blocks: RotationBlockConfig,
    tolerance: ToleranceConfig,
) -> AveragedRotations:
    """Re-weighted from the tree on; then, where edges are left that disagree, put to the vote and re-weighted
    again."""
    steps = config.steps
    start = _chain_along_tree(edges, support, num_views)
    rotations = _reweight(edges, support, start, range(steps), config)
    errors_deg = np.degrees(_rotation_errors(edges, rotations))
    found = align_rotation_blocks(
        edges, rotations, errors_deg, tolerance.rotation_bound_deg(errors_deg), blocks
    )
    if found.rotations is not rotations:
        support = np.where(found.undecided, config.undecided_weight, 1.0) * support
        rotations = _reweight(edges, support, found.rotations, range(steps // 2, steps), config)
    errors = _rotation_errors(edges, rotations)
    objective = bounded_sum(errors, support, config.floor_rad)
    return AveragedRotations(rotations, np.degrees(errors), found.undecided, objective)


def _reweight(
    edges: Edges,
    support: Float[np.ndarray, " e"],
    rotations: Float[np.ndarray, "n 3 3"],
    these: range,
    config: RotationConfig,
) -> Float[np.ndarray, "n 3 3"]:
    """`these` of all steps. With R <- R exp(x), a residual changes by x_i - x_j to first order."""
    for step in these:
        vectors = _rotation_residuals(edges, rotations)
        weights = support * kernel_weights(
            np.linalg.norm(vectors, axis=1), step, config.steps, config.floor_rad
        )
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
