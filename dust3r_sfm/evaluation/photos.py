"""Which photo of one model is which of another."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

_Estimate = TypeVar("_Estimate")


def match_names(estimated: Mapping[str, _Estimate], true_names: Iterable[str]) -> dict[str, _Estimate]:
    """What was estimated under its true name: the same name; or where that is missing, what is left over and
    whose path is the end of the true one or the other way round, suffixes aside (`images/a.png` is `a.jpg`),
    if no other is. Each estimate is used once: that of another folder's photo of one name stands for none."""
    names = list(dict.fromkeys(true_names))
    found = {name: estimated[name] for name in names if name in estimated}
    left: dict[str, list[str]] = {}
    for other in estimated:
        if other not in found:
            left.setdefault(_path(other)[-1], []).append(other)
    partners = {
        name: [other for other in left.get(_path(name)[-1], []) if _ends(_path(other), _path(name))]
        for name in names
        if name not in found
    }
    wanted = Counter(other for others in partners.values() for other in others)
    for name, others in partners.items():
        if len(others) == 1 and wanted[others[0]] == 1:
            found[name] = estimated[others[0]]
    return {name: found[name] for name in names if name in found}


def _path(name: str) -> tuple[str, ...]:
    """Folders, and the file's name without its suffix."""
    path = PurePosixPath(name)
    return (*path.parts[:-1], path.stem)


def _ends(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether one path is the end of the other."""
    shorter, longer = sorted((first, second), key=len)
    return longer[len(longer) - len(shorter) :] == shorter
