"""A stage of many like tasks, on all cores."""

from collections.abc import Callable, Collection
from typing import TypeVar

from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress

Item = TypeVar("Item")
Found = TypeVar("Found")


def stage_in_threads(
    name: str, unit: str, function: Callable[[Item], Found], items: Collection[Item], progress: Progress
) -> dict[Item, Found]:
    """What `function` finds of each item, in their order. `progress` is told of a stage of this name, in
    `unit`s."""
    progress.start(name, len(items), unit)
    out: dict[Item, Found] = {}
    for item, found in zip(items, in_threads(function, items), strict=True):
        out[item] = found
        progress.advance()
    return out
