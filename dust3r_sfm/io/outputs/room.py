"""Disks that are full: where, how much is free, and how much is needed."""

import errno
import os
import shutil
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MEGABYTE = 1e6


def describe_os_error(error: OSError, place: Path, needed_bytes: int | None = None) -> str:
    """What the system says of `place`, and the remedy; for a full disk also in which folder how much is free,
    and how much is needed, where that is known."""
    said = error.strerror or str(error)
    if error.errno not in _FULL:
        return f"{said}; choose another output"
    folder = _existing_folder(place)
    facts = [] if needed_bytes is None else [f"{_megabytes(needed_bytes)} are needed"]
    try:
        facts.append(f"{_megabytes(shutil.disk_usage(folder).free)} are free in {folder}")
    except OSError:
        facts.append(f"in {folder}")
    return f"{said} ({', '.join(facts)}); free space or choose another output"


def _existing_folder(place: Path) -> Path:
    absolute = Path(os.path.abspath(place))
    return next((path for path in (absolute, *absolute.parents) if path.is_dir()), absolute.parent)


def _megabytes(count: int) -> str:
    return f"{count / _MEGABYTE:.2f} MB"
