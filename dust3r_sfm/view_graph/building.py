"""From a config to the pairs it asks for.

Views are known by their index, and for the windows their order is the order the photos were taken in.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Pair
from dust3r_sfm.view_graph.config import (
    Automatic,
    Complete,
    LogWindow,
    NamedGraphConfig,
    OneReference,
    PairsFile,
    SlidingWindow,
)
from dust3r_sfm.view_graph.graph import ViewGraph, graph_of_pairs
from dust3r_sfm.view_graph.pairs_file import read_pairs_file


def view_graph(
    names: Sequence[str], config: NamedGraphConfig | None = None, symmetrize: bool = True
) -> ViewGraph:
    """The pairs `config` (by default `Automatic`) asks for among the views called `names`, sorted.

    `symmetrize` adds the opposite direction of every pair. Without it `Complete` and the windows give
    (i, j) with i < j, `OneReference` (reference, other), and a pairs file the directions it lists.
    Raises InputError when the config does not fit the views or leaves two or more without a pair.
    """
    return graph_of_pairs(len(names), _pairs(config or Automatic(), names), symmetrize)


def _pairs(config: NamedGraphConfig, names: Sequence[str]) -> Iterable[Pair]:
    """The pairs of `config` in its own directions, possibly with repeats."""
    count = len(names)
    match config:
        case Complete():
            return _all_pairs(count)
        case SlidingWindow():
            return _window_pairs(count, range(1, min(config.size, count - 1) + 1), config.cyclic)
        case LogWindow():
            return _window_pairs(count, _powers_of_two(config.size, below=count), config.cyclic)
        case OneReference():
            return _reference_pairs(count, config.index)
        case PairsFile():
            return read_pairs_file(config.path, names)
        case Automatic() if count <= config.complete_up_to:
            return _all_pairs(count)
        case Automatic():
            # On a circle, steps of more than half the way round come back as shorter ones.
            far = _powers_of_two(count, below=count // 2 + 1)
            return _window_pairs(count, {*range(1, config.window + 1), *far}, cyclic=True)


def _all_pairs(count: int) -> Iterator[Pair]:
    return (Pair(i, j) for i, j in combinations(range(count), 2))


def _window_pairs(count: int, offsets: Iterable[int], cyclic: bool) -> Iterator[Pair]:
    """(smaller, larger) index for each step of `offsets`, all in 1 .. count-1."""
    for offset in offsets:
        for start in range(count if cyclic else count - offset):
            end = (start + offset) % count
            yield Pair(min(start, end), max(start, end))


def _powers_of_two(how_many: int, below: int) -> list[int]:
    """1, 2, 4, ...: at most `how_many`, all less than `below`."""
    return [1 << power for power in range(min(how_many, below.bit_length())) if 1 << power < below]


def _reference_pairs(count: int, index: int) -> Iterator[Pair]:
    if not 0 <= index < count:
        raise InputError(f"Reference view {index} does not exist: choose one of 0 to {count - 1}.")
    return (Pair(index, other) for other in range(count) if other != index)
