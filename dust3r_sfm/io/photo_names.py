"""Names of photos: their order, which can be written, and how they are shown.

A name is a photo's path below the folder that was read, with slashes. Everything that is written of a photo
is called by it, so whether that will work is known before any work.
"""

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath

ADDED_SUFFIXES = (".npz", ".depth.png", ".confidence.png")
"""What is appended to a photo's name for the files that are written of it (see `exporters.depth_maps`)."""

_LONGEST_PART = 255
"""Bytes that file systems allow in the name of a file or folder."""
_NUMBER = re.compile(r"([0-9]+)")
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories of what steers a terminal or ends a line."""
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters after which text runs the other way: they make one name look like another."""


def natural_key(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    """Sorts names as people count: 2 before 10. Names that differ in zeros alone (1, 01) go by the plain
    order of their text."""
    # Text and numbers take turns, so the same places always compare the same kind.
    parts = _NUMBER.split(name)
    return tuple(_counted(part) if k % 2 else part for k, part in enumerate(parts)), name


def _counted(digits: str) -> tuple[int, str]:
    """Compares as the number does, however long it is."""
    bare = digits.lstrip("0")
    return len(bare), bare


def unusable_names(names: Sequence[str]) -> dict[str, str]:
    """Name -> reason, for photos of which not all that is to be written could be."""
    found = {name: reason for name in names if (reason := _name_problem(name)) is not None}
    usable = [name for name in names if name not in found]
    written = {name + suffix: name for name in usable for suffix in ADDED_SUFFIXES}
    return found | {name: reason for name in usable if (reason := _clash(name, written)) is not None}


def _name_problem(name: str) -> str | None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8, which models and JSON files need; rename it"
    if any(unicodedata.category(character) in _CONTROLS for character in name):
        return "its name has a line break or another control character; rename it"
    if _leads_out(name):
        return "its name leads out of the output folder; rename it"
    longest = max(ADDED_SUFFIXES, key=len)
    size = len(os.fsencode(PurePosixPath(name).name + longest))
    if size > _LONGEST_PART:
        return (
            f"its name is too long: with {longest}, which is written of it, it has {size} bytes, and "
            f"{_LONGEST_PART} are possible; rename it"
        )
    return None


def _leads_out(name: str) -> bool:
    """On any system."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return (
        posix.is_absolute()
        or bool(windows.anchor)
        or ".." in (*posix.parts, *windows.parts)
        or not posix.name
    )


def _clash(name: str, written: Mapping[str, str]) -> str | None:
    for folder in PurePosixPath(name).parents:
        if (other := written.get(folder.as_posix())) is not None:
            return f"its folder is called as a file that is written of {other}; rename the folder"
    return None


def shown(text: str) -> str:
    r"""Text for a terminal or a log: what would steer it or hide is written as \n, \x1b or \u202e, bytes that
    are no UTF-8 as \xe9."""
    return "".join(_escaped(c) if _is_hidden(c) else c for c in text)


def _is_hidden(character: str) -> bool:
    return character in _TURNING or unicodedata.category(character) in _CONTROLS | {"Cs"}


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # Python's form of a byte that is no UTF-8.
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
