"""Which photo of one model is which of another."""

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TypeVar

_Estimate = TypeVar("_Estimate")


def matched(estimated: Mapping[str, _Estimate], true_names: Mapping[str, object]) -> dict[str, _Estimate]:
    """What was estimated under its true name: the same name, or where that is missing, the same file name
    without folders and suffix, if no other photo has it."""
    counts = Counter(_stem(name) for name in estimated)
    by_stem = {_stem(name): found for name, found in estimated.items() if counts[_stem(name)] == 1}
    found = {name: estimated.get(name, by_stem.get(_stem(name))) for name in true_names}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
