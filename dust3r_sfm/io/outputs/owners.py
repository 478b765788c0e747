"""Which process a file or folder belongs to, by its name: what a killed one left can go."""

import os
import re
import socket
import sys
import time
import zlib
from pathlib import Path

_LONGEST_S = 24 * 3600.0
"""That nothing is written into for so long is what a killed run left."""
_OWNER = re.compile(r"([0-9a-f]{8})-([0-9]+)-")


def owner() -> str:
    """This process on this machine, for a name."""
    return f"{_machine()}-{os.getpid()}"


def is_left(path: Path, rest: str) -> bool:
    """Whether a killed process left it. `rest`: of its name, from the owner on; what names none is somebody
    else's. Of this machine: no process of that number runs. Of another, or where nobody can be asked: nothing
    was written into it for long."""
    named = _OWNER.match(rest)
    if named is None:
        return False
    machine, process = named.groups()
    if machine == _machine() and sys.platform != "win32":
        return not _runs(int(process))
    try:
        return time.time() - path.lstat().st_mtime > _LONGEST_S
    except OSError:
        return False


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        # Another user's.
        return True
    return True


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"
