"""Named arrays in files that are whole or not there, and say which run they belong to."""

import os
import shutil
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dust3r_sfm.errors import OutputError

_UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What reading a truncated, corrupt or foreign .npz raises."""


def write_arrays(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """An .npz, whole or not at all: a kill leaves at most a .partial file, which nothing reads.

    Raises OutputError when it cannot be written.
    """
    assert not any(array.dtype.hasobject for array in arrays.values()), "only plain arrays can be read back"
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, _key=np.array(key), **arrays)  # type: ignore[arg-type]
        os.replace(partial, path)
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); free space or choose another output"
        raise OutputError(message) from error


def read_arrays(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """None if the file is missing, damaged (its checksums are read through) or of another run."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["_key"]) != key:
                return None
            return {name: stored[name] for name in stored.files if name != "_key"}
    except _UNREADABLE:
        return None


def read_own_arrays(path: Path, key: str) -> dict[str, np.ndarray]:
    """What this run wrote. Raises OutputError if it cannot be read any more."""
    arrays = read_arrays(path, key)
    if arrays is None:
        raise OutputError(f"{path}: missing or damaged since it was written; run again")
    return arrays


class TemporaryFolder:
    """A folder of the system's choosing that goes when this object does, at the latest when the
    interpreter ends. (`tempfile.TemporaryDirectory` warns unless it is closed by hand.)"""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="dust3r_sfm_"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
