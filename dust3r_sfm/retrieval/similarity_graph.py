"""Pairs of photos worth comparing: each with those most like it, and no part left to itself."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.retrieval.search import SearchConfig, diverse_neighbours, similarity_blocks


def similarity_pairs(
    descriptors: Float[np.ndarray, "n d"],
    k: int,
    diversity: float = 0.0,
    config: SearchConfig | None = None,
) -> Int[np.ndarray, "pairs 2"]:
    """Every photo with its k neighbours, and the components of that joined by the pairs of a maximum
    spanning tree between them. Each pair once, smaller index first, sorted; at most n k + n - 1 pairs."""
    config = config or SearchConfig()
    near = diverse_neighbours(descriptors, k, diversity, config=config)
    count, each = near.index.shape
    pairs = _unordered(np.repeat(np.arange(count), each), near.index.ravel())
    while (labels := _labels(pairs, count)).max(initial=0) > 0:
        pairs = np.unique(np.concatenate([pairs, _strongest_links(descriptors, labels, config)]), axis=0)
    return pairs


def _unordered(first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"]) -> Int[np.ndarray, "m 2"]:
    return np.unique(np.sort(np.stack([first, second], axis=1), axis=1), axis=0)


def _labels(pairs: Int[np.ndarray, "m 2"], count: int) -> Int[np.ndarray, " n"]:
    """The component of each photo, counted from 0."""
    edges = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(edges, directed=False)[1]


def _strongest_links(
    descriptors: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], config: SearchConfig
) -> Int[np.ndarray, "m 2"]:
    """For each component its most similar pair with another (a round of Boruvka's algorithm)."""
    other = np.zeros(len(labels), np.int64)
    similarity = np.zeros(len(labels), np.float32)
    for start, block in similarity_blocks(descriptors, descriptors, config.entries_at_once):
        rows = np.arange(start, start + len(block))
        block[labels[rows][:, None] == labels[None, :]] = -np.inf
        other[rows] = block.argmax(axis=1)
        similarity[rows] = block[np.arange(len(block)), other[rows]]
    # The same order of pairs for both ends of each, so that equal similarities close no ring.
    ends = np.sort(np.stack([np.arange(len(labels)), other], axis=1), axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0], -similarity, labels))
    first = np.unique(labels[order], return_index=True)[1]
    return _unordered(*ends[order[first]].T)
