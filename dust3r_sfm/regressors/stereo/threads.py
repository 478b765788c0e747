"""Pairs worked on side by side: what pycolmap does with one holds neither the interpreter nor other cores."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Found = TypeVar("Found")


def in_threads(function: Callable[[Given], Found], items: Iterable[Given]) -> Iterator[Found]:
    """The results in the order of `items`, each as soon as it and those before it are there."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(function, items)
