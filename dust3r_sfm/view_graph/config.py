"""Which views are shown to the regressor together: each choice is a small config."""

from dataclasses import dataclass
from pathlib import Path

from dust3r_sfm.errors import InputError


@dataclass(frozen=True)
class Complete:
    """Every view with every other."""


@dataclass(frozen=True)
class SlidingWindow:
    """Every view with those that follow it."""

    size: int = 3
    """How many follow."""
    cyclic: bool = True
    """Whether the last is followed by the first."""

    def __post_init__(self) -> None:
        _require_size("swin", self.size)


@dataclass(frozen=True)
class LogWindow:
    """Every view with those 1, 2, 4, ... places on."""

    size: int = 3
    """How many such places there are: the last is 2^(size-1) on."""
    cyclic: bool = True
    """Whether counting goes on past the last view, at the first."""

    def __post_init__(self) -> None:
        _require_size("logwin", self.size)


@dataclass(frozen=True)
class OneReference:
    """One view with every other."""

    index: int = 0
    """Which view, counted from 0."""


@dataclass(frozen=True)
class PairsFile:
    """The pairs a text file lists, as COLMAP and hloc write them.

    One pair a line: two view names, separated by a tab or by spaces; a name that holds spaces is
    quoted ("my photo.jpg") unless a tab separates. Empty lines and lines that begin with # are passed
    over, a pair listed twice counts once. UTF-8.
    """

    path: Path
    """The text file."""


@dataclass(frozen=True)
class Automatic:
    """All with all, as long as the views are few. If they are more, they are taken to be in the order they
    were shot: each with those that follow it, and for loops with those 8, 16, 32, ... places on, cyclic.
    That makes about N (4 + log2 N) photo pairs."""

    complete_up_to: int = 40
    """Views up to which all are paired with all: 780 photo pairs, minutes on a laptop."""
    window: int = 5
    """How many that follow a view, if they are more."""


@dataclass(frozen=True)
class Retrieval:
    """Every view with those that look most like it, in whatever order the photos come, and what that
    leaves unconnected joined by the most similar pairs. Needs the photos encoded: see
    `retrieval.similarity_pairs`."""

    size: int = 8
    """How many that look like it."""
    diversity: float = 0.2
    """From 0, the most similar, to below 1: those that also differ from one another."""

    def __post_init__(self) -> None:
        _require_size("retrieval", self.size)
        if not 0 <= self.diversity < 1:
            raise InputError(f"retrieval: diversity {self.diversity} is not from 0 to below 1, say 0.2.")


NamedGraphConfig = Complete | SlidingWindow | LogWindow | OneReference | PairsFile | Automatic
"""What gives pairs without a look at the photos."""

GraphConfig = NamedGraphConfig | Retrieval
"""Every way to choose pairs."""


def _require_size(form: str, size: int) -> None:
    if size < 1:
        raise InputError(f"{form}-{size}: a view needs at least 1 other, say {form}-3.")
