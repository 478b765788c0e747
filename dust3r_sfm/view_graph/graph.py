"""Validated, directed pairs of views, and what they connect."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Pair


@dataclass(frozen=True)
class ViewGraph:
    """Directed pairs of the views 0 .. num_views-1: in range, no view with itself, none twice, and
    at least one pair as soon as there are two views. Raises InputError otherwise."""

    num_views: int
    """How many views there are."""
    pairs: tuple[Pair, ...]
    """Which are shown to the regressor, and in which direction."""

    def __post_init__(self) -> None:
        for pair in self.pairs:
            if not (0 <= pair.i < self.num_views and 0 <= pair.j < self.num_views):
                raise InputError(f"{_text(pair)} is outside the {self.num_views} views; count from 0.")
            if pair.i == pair.j:
                raise InputError(f"{_text(pair)} shows a view to itself; remove it.")
        if len(set(self.pairs)) < len(self.pairs):
            twice = next(pair for pair in self.pairs if self.pairs.count(pair) > 1)
            raise InputError(f"{_text(twice)} is there more than once; keep it once.")
        if self.num_views >= 2 and not self.pairs:
            raise InputError(f"{self.num_views} views but no pair between them; give at least one.")

    def components(self) -> list[list[int]]:
        """See `group_joined_views`."""
        return group_joined_views(self.num_views, self.pairs)


def group_joined_views(num_views: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """The views that pairs connect, over any number of steps and in either direction.

    Every view is in exactly one component, alone if no pair has it. Largest component first,
    equally large ones by their first view; views in ascending order.
    """
    ends = np.array([(pair.i, pair.j) for pair in pairs], dtype=np.intp).reshape(-1, 2)
    adjacency = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(num_views, num_views))
    count, labels = connected_components(adjacency, directed=False)
    members = [np.flatnonzero(labels == label).tolist() for label in range(count)]
    return sorted(members, key=lambda views: (-len(views), views[0]))


def graph_of_pairs(num_views: int, pairs: Iterable[Pair], symmetrize: bool = True) -> ViewGraph:
    """These pairs, sorted and each once, and with `symmetrize` their opposite directions."""
    directed = set(pairs)
    if symmetrize:
        directed |= {pair.swap() for pair in directed}
    return ViewGraph(num_views, tuple(sorted(directed)))


def _text(pair: Pair) -> str:
    return f"Pair ({pair.i}, {pair.j})"
