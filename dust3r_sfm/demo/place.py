"""The folder that a server writes into, and that goes with it; what a killed one left goes with the next."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.locks import check_free, take_lock
from dust3r_sfm.io.outputs.room import describe_os_error

PREFIX = "dust3r-sfm-demo-"
LOCK = "lock"
_BEGINNING_S = 60.0
"""A folder without a lock may be another server's that begins just now."""


@contextmanager
def temporary_place(parent: Path | None) -> Iterator[Path]:
    """A new folder in `parent`, or where the system has its temporary ones. Raises OutputError where none can
    be made."""
    chosen = Path(tempfile.gettempdir()) if parent is None else parent
    place = chosen / (PREFIX + secrets.token_hex(8))
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        clear_leftovers(chosen)
        lock = take_lock(place / LOCK, place)
        # What people upload is nobody else's.
        place.chmod(0o700)
    except OSError as error:
        raise OutputError(f"--tmp-dir {chosen}: {describe_os_error(error, chosen)}") from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.release()


def clear_leftovers(parent: Path) -> None:
    """Removes folders of servers that are gone."""
    for place in parent.glob(f"{PREFIX}*"):
        if place.is_symlink() or not place.is_dir() or not _is_left(place):
            continue
        shutil.rmtree(place, ignore_errors=True)


def _is_left(place: Path) -> bool:
    lock = place / LOCK
    try:
        if not lock.exists():
            return time.time() - place.stat().st_mtime > _BEGINNING_S
        check_free(lock, place)
    except (OutputError, OSError):
        return False
    return True
