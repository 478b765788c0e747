"""Which views are shown to the regressor together.

Each choice is a small config; `view_graph` turns it into validated, directed pairs. Views are known
by their index, and for the windows their order is the order the photos were taken in.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import Pair

AUTOMATIC_COMPLETE_UP_TO = 40
"""Views up to which `Automatic` pairs all with all: 780 photo pairs, minutes on a laptop."""

_AUTOMATIC_WINDOW = 5
_GRAPH_FORMS = (
    "auto, complete, swin-5, logwin-3 (either with -noncyclic), oneref-0, retrieval-8, or a pairs file"
)
_WINDOW_FORM = re.compile(r"(swin|logwin)(?:-([0-9]{1,6}))?(-noncyclic)?")
_NAME = re.compile(r'"([^"]+)"|(\S+)')
_RETRIEVAL_FORM = re.compile(r"retrieval(?:-([0-9]{1,6}))?")
_REFERENCE_FORM = re.compile(r"oneref(?:-([0-9]{1,6}))?")


@dataclass(frozen=True)
class Complete:
    """Every view with every other."""


@dataclass(frozen=True)
class SlidingWindow:
    """Every view with the `size` that follow it; `cyclic` lets the last be followed by the first."""

    size: int = 3
    cyclic: bool = True

    def __post_init__(self) -> None:
        _require_size("swin", self.size)


@dataclass(frozen=True)
class LogWindow:
    """Every view with those 1, 2, 4, ... 2^(size-1) places on; `cyclic` counts on past the last."""

    size: int = 3
    cyclic: bool = True

    def __post_init__(self) -> None:
        _require_size("logwin", self.size)


@dataclass(frozen=True)
class OneReference:
    """View `index` (from 0) with every other."""

    index: int = 0


@dataclass(frozen=True)
class PairsFile:
    """The pairs a text file lists, as COLMAP and hloc write them.

    One pair a line: two view names, separated by a tab or by spaces; a name that holds spaces is
    quoted ("my photo.jpg") unless a tab separates. Empty lines and lines that begin with # are passed
    over, a pair listed twice counts once. UTF-8.
    """

    path: Path


@dataclass(frozen=True)
class Automatic:
    """All with all up to `AUTOMATIC_COMPLETE_UP_TO` views. Above that the photos are taken to be in
    the order they were shot: the next five, and for loops those 8, 16, 32, ... places on, cyclic.
    That makes about N (4 + log2 N) photo pairs."""


@dataclass(frozen=True)
class Retrieval:
    """Every view with the `size` that look most like it, in whatever order the photos come, and what that
    leaves unconnected joined by the most similar pairs. Needs the photos encoded: see
    `retrieval.similarity_pairs`, also for `diversity`, from 0 to 1."""

    size: int = 8
    diversity: float = 0.2

    def __post_init__(self) -> None:
        _require_size("retrieval", self.size)
        if not 0 <= self.diversity < 1:
            raise InputError(f"retrieval: diversity {self.diversity} is not from 0 to below 1, say 0.2.")


NamedGraphConfig = Complete | SlidingWindow | LogWindow | OneReference | PairsFile | Automatic
"""What gives pairs without a look at the photos."""

GraphConfig = NamedGraphConfig | Retrieval


@dataclass(frozen=True)
class ViewGraph:
    """Directed pairs of the views 0 .. num_views-1: in range, no view with itself, none twice, and
    at least one pair as soon as there are two views. Raises InputError otherwise."""

    num_views: int
    pairs: tuple[Pair, ...]

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
        """See `joined_views`."""
        return joined_views(self.num_views, self.pairs)


def joined_views(num_views: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """The views that pairs connect, over any number of steps and in either direction.

    Every view is in exactly one component, alone if no pair has it. Largest component first,
    equally large ones by their first view; views in ascending order.
    """
    ends = np.array([(pair.i, pair.j) for pair in pairs], dtype=np.intp).reshape(-1, 2)
    adjacency = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(num_views, num_views))
    count, labels = connected_components(adjacency, directed=False)
    members = [np.flatnonzero(labels == label).tolist() for label in range(count)]
    return sorted(members, key=lambda views: (-len(views), views[0]))


def view_graph(config: NamedGraphConfig, names: Sequence[str], symmetrize: bool = True) -> ViewGraph:
    """The pairs `config` asks for among the views called `names`, sorted.

    `symmetrize` adds the opposite direction of every pair. Without it `Complete` and the windows give
    (i, j) with i < j, `OneReference` (reference, other), and a pairs file the directions it lists.
    Raises InputError when the config does not fit the views or leaves two or more without a pair.
    """
    return graph_of_pairs(len(names), _pairs(config, names), symmetrize)


def graph_of_pairs(num_views: int, pairs: Iterable[Pair], symmetrize: bool = True) -> ViewGraph:
    """These pairs, sorted and each once, and with `symmetrize` their opposite directions."""
    directed = set(pairs)
    if symmetrize:
        directed |= {pair.swapped() for pair in directed}
    return ViewGraph(num_views, tuple(sorted(directed)))


def parse_graph(text: str) -> GraphConfig:
    """The config meant by its command-line form: `auto`, `complete`, `swin-5`, `swin-5-noncyclic`,
    `logwin-3`, `logwin-3-noncyclic`, `oneref-0`, `retrieval-8`, or the path of a pairs file.

    The number may be left out (3 for windows, 0 for the reference, 8 for retrieval). A file whose
    name is one of these words is meant by `./complete`. Raises InputError for anything else.
    """
    if text == "auto":
        return Automatic()
    if text == "complete":
        return Complete()
    if window := _WINDOW_FORM.fullmatch(text):
        kind = SlidingWindow if window[1] == "swin" else LogWindow
        return kind(size=int(window[2] or 3), cyclic=window[3] is None)
    if reference := _REFERENCE_FORM.fullmatch(text):
        return OneReference(int(reference[1] or 0))
    if retrieval := _RETRIEVAL_FORM.fullmatch(text):
        return Retrieval(int(retrieval[1] or 8))
    if Path(text).is_file():
        return PairsFile(Path(text))
    raise InputError(f"--pairs {text}: neither a known form nor a file; use {_GRAPH_FORMS}.")


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
            return _listed_pairs(config.path, names)
        case Automatic() if count <= AUTOMATIC_COMPLETE_UP_TO:
            return _all_pairs(count)
        case Automatic():
            # On a circle, steps of more than half the way round come back as shorter ones.
            far = _powers_of_two(count, below=count // 2 + 1)
            return _window_pairs(count, {*range(1, _AUTOMATIC_WINDOW + 1), *far}, cyclic=True)


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


def _listed_pairs(path: Path, names: Sequence[str]) -> list[Pair]:
    index = {name: i for i, name in enumerate(names)}
    pairs = []
    for number, line in enumerate(_read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        first, second = _two_names(line, where)
        for name in (first, second):
            if name not in index:
                raise InputError(f"{where}: no photo that could be read is called '{name}'; mend the name.")
        if first == second:
            raise InputError(f"{where}: '{first}' is paired with itself; remove the line.")
        pairs.append(Pair(index[first], index[second]))
    if not pairs:
        raise InputError(f"{path}: lists no pairs; write two photo names a line.")
    return pairs


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text; write two photo names a line.") from error


def _two_names(line: str, where: str) -> tuple[str, str]:
    if "\t" in line:
        fields = [field.strip() for field in line.strip().split("\t")]
    else:
        fields = [quoted or plain for quoted, plain in _NAME.findall(line)]
    if len(fields) != 2:
        raise InputError(
            f"{where}: {len(fields)} names instead of 2; quote names with spaces, or separate by a tab."
        )
    return fields[0], fields[1]


def _require_size(form: str, size: int) -> None:
    if size < 1:
        raise InputError(f"{form}-{size}: a view needs at least 1 other, say {form}-3.")


def _text(pair: Pair) -> str:
    return f"Pair ({pair.i}, {pair.j})"
