"""Nearest neighbours by cosine, exact, without a matrix of all with all."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class SearchConfig:
    """How neighbours are searched."""

    candidates_a_neighbour: int = 4
    """Diverse neighbours are chosen among this many times as many nearest ones: what lies farther looks too
    little alike to be chosen for being different."""
    entries_at_once: int = 4_000_000
    """Similarities in memory at a time."""


@dataclass(frozen=True)
class Neighbours:
    """For each query, its nearest first: rows of the descriptors that were searched, and their cosine."""

    index: Int[np.ndarray, "queries k"]
    similarity: Float[np.ndarray, "queries k"]


def nearest_neighbours(
    descriptors: Float[np.ndarray, "n d"],
    k: int,
    queries: Float[np.ndarray, "q d"] | None = None,
    config: SearchConfig | None = None,
) -> Neighbours:
    """The k unit descriptors nearest to each of `queries`, or to each of their own, itself left out; fewer
    if there are fewer. Of equally near ones the first. O(q n d) time, O(q k) memory and a block."""
    config, own = config or SearchConfig(), queries is None
    searched = descriptors if queries is None else queries
    k = max(0, min(k, len(descriptors) - own))
    index = np.zeros((len(searched), k), np.int64)
    similarity = np.zeros((len(searched), k), np.float32)
    for start, block in similarity_blocks(searched, descriptors, config.entries_at_once):
        rows = slice(start, start + len(block))
        if own:
            block[np.arange(len(block)), np.arange(start, start + len(block))] = -np.inf
        # A sort that keeps the order of equals: photos that are there twice must not make results vary.
        index[rows] = np.argsort(-block, axis=1, kind="stable")[:, :k]
        similarity[rows] = np.take_along_axis(block, index[rows], axis=1)
    return Neighbours(index, similarity)


def diverse_neighbours(
    descriptors: Float[np.ndarray, "n d"],
    k: int,
    diversity: float,
    queries: Float[np.ndarray, "q d"] | None = None,
    config: SearchConfig | None = None,
) -> Neighbours:
    """Near ones that are not all alike: each next one has the greatest (1 - diversity) x similarity to the
    query - diversity x greatest similarity to those chosen before (maximal marginal relevance, Carbonell
    and Goldstein 1998), among the nearest `candidates_a_neighbour` k. In the order of choice; 0 gives the
    nearest, below 1 the first is always the nearest."""
    config = config or SearchConfig()
    if diversity == 0:
        return nearest_neighbours(descriptors, k, queries, config)
    near = nearest_neighbours(descriptors, config.candidates_a_neighbour * k, queries, config)
    chosen = np.stack(
        [
            _marginal_choice(similarity, descriptors[index], k, diversity)
            for index, similarity in zip(near.index, near.similarity, strict=True)
        ]
    )
    return Neighbours(
        np.take_along_axis(near.index, chosen, axis=1), np.take_along_axis(near.similarity, chosen, axis=1)
    )


def similarity_blocks(
    queries: Float[np.ndarray, "q d"], descriptors: Float[np.ndarray, "n d"], entries_at_once: int
) -> Iterator[tuple[int, Float[np.ndarray, "rows n"]]]:
    """Cosines of all queries with all descriptors, some rows at a time, with the number of the first row."""
    rows = max(1, entries_at_once // max(1, len(descriptors)))
    for start in range(0, len(queries), rows):
        yield start, queries[start : start + rows] @ descriptors.T


def _marginal_choice(
    similarity: Float[np.ndarray, " m"], candidates: Float[np.ndarray, "m d"], k: int, diversity: float
) -> Int[np.ndarray, " k"]:
    alike = candidates @ candidates.T
    nearest_chosen = np.zeros(len(similarity), np.float32)
    open_ = np.ones(len(similarity), bool)
    chosen = []
    for _ in range(min(k, len(similarity))):
        worth = (1 - diversity) * similarity - diversity * nearest_chosen
        best = int(np.where(open_, worth, -np.inf).argmax())
        chosen.append(best)
        open_[best] = False
        nearest_chosen = alike[best] if len(chosen) == 1 else np.maximum(nearest_chosen, alike[best])
    return np.array(chosen, np.int64)
