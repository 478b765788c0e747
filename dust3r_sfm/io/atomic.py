"""Outputs that appear whole or not at all, also when the process is killed."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.owners import is_left, owner

_LONGEST_NAME = 255 - len("..partial-") - len("01234567-4194304-01234567")
"""Bytes: file systems allow 255 with what is put around them."""


@contextmanager
def write_atomically(target: Path, replace: bool = False) -> Iterator[Path]:
    """Yields a path beside `target`, where nothing is yet, to write a file or a folder at; renames
    it to `target` when the block ends well and removes it when it does not.

    A killed run leaves a hidden `.name.partial-*` sibling, which the next run for the same target removes. Of
    two that write one target at a time, the last one's stands. An existing target is an OutputError
    unless `replace`: a file is then replaced in one step; a folder by a folder in two, between which (for
    microseconds) a kill leaves no target, and never a half of one. A file never takes a folder's place.
    """
    target = target.absolute()
    _check_new(target, replace)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot write here ({error.strerror}). Choose another output") from error
    partial = _hidden_sibling(target)
    try:
        yield partial
        _check_new(target, replace)
        _publish(partial, target)
    finally:
        remove(partial)


def _check_new(target: Path, replace: bool) -> None:
    if target.exists() and not replace:
        raise OutputError(f"{target}: exists already. Choose another output, or ask to overwrite it")


def _publish(partial: Path, target: Path) -> None:
    assert partial.exists(), f"nothing was written at {partial}"
    if target.is_dir() and not partial.is_dir():
        raise OutputError(f"{target}: is a folder; name a file")
    if target.exists() and not (target.is_dir() or target.is_file()):
        raise OutputError(f"{target}: is a device or a pipe; name a file")
    try:
        if target.is_dir() and not target.is_symlink():
            # A folder that is not empty cannot be renamed over, so the old one steps aside first.
            old = _hidden_sibling(target)
            target.rename(old)
            partial.rename(target)
            remove(old)
        else:
            partial.replace(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be replaced ({error.strerror}). Move it away first") from error


def _hidden_sibling(target: Path) -> Path:
    """Its name says which process writes it."""
    return target.with_name(f"{_prefix(target)}{owner()}-{uuid.uuid4().hex[:8]}")


def _remove_leftovers(target: Path) -> None:
    for path in target.parent.iterdir():
        if path.name.startswith(_prefix(target)) and is_left(path, path.name.removeprefix(_prefix(target))):
            remove(path)


def _prefix(target: Path) -> str:
    """A name as long as file systems allow has no room for more: a digest stands for it."""
    encoded = os.fsencode(target.name)
    is_long = len(encoded) > _LONGEST_NAME
    return f".{hashlib.sha256(encoded).hexdigest() if is_long else target.name}.partial-"


def remove(path: Path) -> None:
    """A file, a link (never what it leads to) or a folder with all in it; nothing where nothing is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
