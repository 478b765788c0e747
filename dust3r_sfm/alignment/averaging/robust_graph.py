"""Robust least squares on a graph: node values whose differences along the edges are measured."""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float, Int

from dust3r_sfm.geometry.robust import kernel_weights
from dust3r_sfm.geometry.sparse_factors import symmetric_factors

NodeIndices = Int[np.ndarray, " e"]
DENSE_NODES = 128
"""Up to here a dense matrix is solved faster than a sparse one is built."""


def solve_differences(
    tail: NodeIndices,
    head: NodeIndices,
    differences: Float[np.ndarray, "e k"],
    weights: Float[np.ndarray, " e"],
    num_nodes: int,
) -> Float[np.ndarray, "nodes k"]:
    """x minimising the sum of w |x_head - x_tail - difference|^2, with x_0 = 0.

    The normal matrix is the weighted graph Laplacian, shared by all k columns. The graph must be
    connected; a trace of damping keeps nodes solvable whose edges were all but switched off.
    """
    if num_nodes == 1:
        return np.zeros((1, differences.shape[1]))
    if num_nodes <= DENSE_NODES:
        return _solve_densely(tail, head, differences, weights, num_nodes)
    edge = np.arange(len(tail))
    incidence = sparse.csr_matrix(
        (
            np.concatenate([np.ones(len(tail)), -np.ones(len(tail))]),
            (np.concatenate([edge, edge]), np.concatenate([head, tail])),
        ),
        shape=(len(tail), num_nodes),
    )[:, 1:]
    weighted = incidence.multiply(weights[:, None]).tocsr()
    laplacian = (incidence.T @ weighted).tocsc()
    damping = 1e-14 * laplacian.diagonal().max() * sparse.identity(num_nodes - 1, format="csc")
    solved = symmetric_factors(laplacian + damping).solve(weighted.T @ differences)
    return np.concatenate([np.zeros((1, differences.shape[1])), solved.reshape(num_nodes - 1, -1)])


def _solve_densely(
    tail: NodeIndices,
    head: NodeIndices,
    differences: Float[np.ndarray, "e k"],
    weights: Float[np.ndarray, " e"],
    num_nodes: int,
) -> Float[np.ndarray, "nodes k"]:
    """The same, without what building sparse matrices costs."""
    between = np.bincount(tail * num_nodes + head, weights, num_nodes**2).reshape(num_nodes, num_nodes)
    between += between.T
    laplacian = np.diag(between.sum(axis=1)) - between
    laplacian[np.diag_indices(num_nodes)] += 1e-14 * laplacian.diagonal().max()
    weighted = weights[:, None] * differences
    right = np.stack([np.bincount(head, w, num_nodes) - np.bincount(tail, w, num_nodes) for w in weighted.T])
    values = np.zeros((num_nodes, differences.shape[1]))
    values[1:] = np.linalg.solve(laplacian[1:, 1:], right.T[1:])
    return values


def robust_differences(
    tail: NodeIndices,
    head: NodeIndices,
    differences: Float[np.ndarray, "e k"],
    weights: Float[np.ndarray, " e"],
    num_nodes: int,
    unit: Float[np.ndarray, " e"],
    floor: float,
    steps: int = 30,
) -> tuple[Float[np.ndarray, "nodes k"], Float[np.ndarray, " e"]]:
    """x with x_0 = 0, and each edge's residual norm in its own `unit`, which is what is made robust."""
    kernel = np.ones(len(tail))
    for step in range(steps):
        values = solve_differences(tail, head, differences, weights * kernel / unit**2, num_nodes)
        residual = np.linalg.norm(values[head] - values[tail] - differences, axis=1) / unit
        kernel = kernel_weights(residual, step, steps, floor)
    return values, residual
