"""What holds a graph together."""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Int
from scipy.sparse.csgraph import breadth_first_order, connected_components


def label_components(
    tail: Int[np.ndarray, " e"], head: Int[np.ndarray, " e"], num_nodes: int
) -> Int[np.ndarray, " nodes"]:
    """A label for each node: those that edges join have the same one."""
    graph = sparse.csr_matrix((np.ones(len(tail)), (tail, head)), shape=(num_nodes, num_nodes))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def label_two_edge_components(
    tail: Int[np.ndarray, " e"], head: Int[np.ndarray, " e"], num_nodes: int
) -> Int[np.ndarray, " nodes"]:
    """A label for each node: those with the same one stay connected whichever edge is taken away (parallel
    edges count once).

    By cycle space sampling (D. Pritchard and R. Thurimella, "Fast computation of small cuts via cycle space
    sampling", ACM Transactions on Algorithms 7(4), 2011): a tree edge is a bridge if no other edge leads out
    of the part below it: then the random numbers of the other edges, added up (exclusive or) over that part's
    nodes, cancel.
    """
    ends = np.unique(np.sort(np.stack([tail, head], axis=1), axis=1), axis=0)
    order, above = _breadth_first(ends, num_nodes)
    in_tree = (above[ends[:, 0]] == ends[:, 1]) | (above[ends[:, 1]] == ends[:, 0])
    number = np.random.default_rng(0).integers(1, 2**63, np.count_nonzero(~in_tree))
    total = np.zeros(num_nodes + 1, dtype=np.int64)
    for side in ends[~in_tree].T:
        np.bitwise_xor.at(total, side, number)
    for node in order[:0:-1]:
        total[above[node]] ^= total[node]
    labels = np.arange(num_nodes)
    for node in order[1:]:
        if total[node] != 0:
            labels[node] = labels[above[node]]
    return labels


def _breadth_first(
    ends: Int[np.ndarray, "pairs 2"], num_nodes: int
) -> tuple[Int[np.ndarray, " nodes"], Int[np.ndarray, " nodes"]]:
    """All nodes from the root on, and the one above each; the root, number `num_nodes`, joins the parts."""
    alone = sparse.csr_matrix((np.ones(len(ends)), ends.T), shape=(num_nodes, num_nodes))
    first = np.unique(connected_components(alone, directed=False)[1], return_index=True)[1]
    roots = np.stack([first, np.full(len(first), num_nodes)], axis=1)
    every = np.concatenate([ends, roots])
    graph = sparse.csr_matrix((np.ones(len(every)), every.T), shape=(num_nodes + 1, num_nodes + 1))
    return breadth_first_order(graph, num_nodes, directed=False)
