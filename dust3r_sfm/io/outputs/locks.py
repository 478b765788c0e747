"""One run at a time in a folder: a lock that goes with its process, however that ends."""

import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dust3r_sfm.errors import OutputError

if sys.platform != "win32":
    import fcntl

PATIENCE_S = 0.5
"""Others that only look who holds a lock hold it themselves for some microseconds."""
_STEP_S = 0.05
_REMEDY = "wait until it is done, or choose another folder"


@dataclass(frozen=True)
class Lock:
    """A lock that is held, and the folders that were made for its file."""

    file: Path
    handle: int
    made: tuple[Path, ...]

    def release(self) -> None:
        """The file goes, and folders that were made for it and hold nothing else."""
        # Closed last, so that nobody locks a file that is about to go, but where open files cannot go.
        if sys.platform == "win32":
            os.close(self.handle)
        with suppress(OSError):
            self.file.unlink()
        if sys.platform != "win32":
            os.close(self.handle)
        for folder in self.made:
            with suppress(OSError):
                folder.rmdir()


def take_lock(file: Path, folder: Path) -> Lock:
    """Makes `file` and locks it, until `release` or the end of the process. It says who holds it. Where the
    system or the file system knows no locks, nobody is kept out.

    Raises OutputError where another process holds it, whose remedy speaks of `folder`; OSError where the file
    cannot be made.
    """
    made = tuple(path for path in file.absolute().parents if not path.exists())
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except FileNotFoundError:
            # Another run has just taken the folder away.
            if time.monotonic() > deadline:
                raise
            continue
        if _lock(handle, exclusive=True):
            if _is_still(file, handle):
                break
        elif time.monotonic() > deadline:
            message = f"{folder}: another run works there ({_text(handle)}); {_REMEDY}"
            os.close(handle)
            raise OutputError(message)
        else:
            time.sleep(_STEP_S)
        os.close(handle)
    os.ftruncate(handle, 0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(handle, f"process {os.getpid()} on {socket.gethostname()}, since {since}".encode())
    return Lock(file, handle, made)


def check_free(file: Path, folder: Path) -> None:
    """Raises OutputError as `take_lock` does; makes and changes nothing."""
    try:
        handle = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return
    try:
        if not _lock(handle, exclusive=False):
            raise OutputError(f"{folder}: another run works there ({_text(handle)}); {_REMEDY}")
    finally:
        os.close(handle)


def _lock(handle: int, exclusive: bool) -> bool:
    """False where another process holds it."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # Some network file systems have no locks.
        return True
    return True


def _is_still(file: Path, handle: int) -> bool:
    """Not where whoever held it before has deleted it meanwhile."""
    try:
        return os.path.samestat(file.stat(), os.fstat(handle))
    except OSError:
        return False


def _text(handle: int) -> str:
    longest = 200
    text = os.pread(handle, longest, 0).decode(errors="replace")
    return " ".join(text.split()) or "it does not say which"
