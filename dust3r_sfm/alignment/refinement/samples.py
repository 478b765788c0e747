"""The known samples and matches of edges in chunks of edges that have about as many of them.

Most pairs know little of their views, a few know all. Rows padded to the length of the longest would be
nearly empty.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.residuals import Matches


@dataclass(frozen=True)
class PointChunk:
    """What the edges `rows` know of their view j: which of its samples (`columns`), `points` in the edge's
    frame and scale, and weights (0: padding)."""

    rows: Int[np.ndarray, " c"]
    columns: Int[np.ndarray, "c m"]
    points: Float[np.ndarray, "c 3 m"]
    pixels: Float[np.ndarray, "c 2 m"]
    weights: Float[np.ndarray, "c m"]


@dataclass(frozen=True)
class MatchChunk:
    """The matches of the edges `rows`, and weights (0: padding)."""

    rows: Int[np.ndarray, " c"]
    matches: Matches
    weights: Float[np.ndarray, "c m"]


def point_chunks(
    edges: Edges, pixels: Float[np.ndarray, "n samples 2"], most: int, chunk: int
) -> tuple[PointChunk, ...]:
    """Of each edge at most `most` points, about `chunk` in one piece. `pixels`: the samples of each view.
    Every edge is in one piece, also one that knows nothing."""
    found = []
    for rows, columns in _group_alike(_thin(edges.weights_j > 0, most), chunk):
        at = rows[:, None], columns
        points = _components_first(edges.points_j[at])
        own_pixels = _components_first(pixels[edges.head[rows][:, None], columns])
        found.append(PointChunk(rows, columns, points, own_pixels, edges.weights_j[at].astype(np.float64)))
    return tuple(found)


def match_chunks(edges: Edges, most: int, chunk: int) -> tuple[MatchChunk, ...]:
    """Of each edge at most `most` matches. Edges without one are in no chunk."""
    having = np.flatnonzero((edges.match_weights > 0).any(axis=1))
    found = []
    for chosen, columns in _group_alike(_thin(edges.match_weights[having] > 0, most), chunk):
        at = having[chosen][:, None], columns
        matches = Matches(
            _components_first(edges.match_pixels_i[at]),
            edges.match_depth_i[at],
            _components_first(edges.match_pixels_j[at]),
        )
        found.append(MatchChunk(having[chosen], matches, edges.match_weights[at]))
    return tuple(found)


def _thin(known: Bool[np.ndarray, "e samples"], most: int) -> Bool[np.ndarray, "e samples"]:
    """At most `most` of each row, spread over those that are known."""
    rank, count = known.cumsum(axis=1), np.maximum(known.sum(axis=1, keepdims=True), most)
    return known & (rank * most // count > (rank - 1) * most // count)


def _group_alike(
    known: Bool[np.ndarray, "e samples"], chunk: int
) -> list[tuple[Int[np.ndarray, " c"], Int[np.ndarray, "c m"]]]:
    """Rows with about equally many known columns, and these columns, the known ones first."""
    counts = known.sum(axis=1)
    order = np.argsort(-counts, kind="stable")
    found, start = [], 0
    while start < len(order):
        most = max(int(counts[order[start]]), 1)
        rows = order[start : start + max(1, chunk // most)]
        found.append((rows, np.argsort(~known[rows], axis=1, kind="stable")[:, :most]))
        start += len(rows)
    return found


def _components_first(values: Float[np.ndarray, "c m k"]) -> Float[np.ndarray, "c k m"]:
    return np.swapaxes(values, 1, 2).astype(np.float64, order="C")
