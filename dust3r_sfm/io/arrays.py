"""Named arrays in files that are whole or not there, and say which run they belong to."""

import os
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.room import describe_os_error

SUFFIX = ".safetensors"
PARTIALS = f".*{SUFFIX}.partial-*"
"""What a kill leaves of files that were being written."""
_ABOUT = "about"


def write_arrays(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """A safetensors file of booleans, integers or floats, whole or not at all: a kill leaves at most one of
    `PARTIALS`, which nothing reads, and of two processes that write one file the last one's stands.
    (Thousands are written beside the work itself: a zip archive of each would take several times as long.)
    `key` is all that `read_arrays` goes by: of which run the file is, and which of its files. Memory: twice
    the arrays'.

    Raises OutputError when it cannot be written.
    """
    strange = [name for name, array in arrays.items() if array.dtype.kind not in "biuf"]
    assert not strange, f"{', '.join(strange)}: only booleans, integers and floats can be kept"
    # Where an array's values do not lie in order, `save` writes whatever does (safetensors 0.8).
    ordered = {name: np.asarray(a, a.dtype.newbyteorder("="), order="C") for name, a in arrays.items()}
    # One entry, as several would be written in an order of their own each time.
    content = save(ordered, {_ABOUT: f"{_checksum(ordered)} {key}"})
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        reason = describe_os_error(error, path, len(content))
        raise OutputError(f"{path}: cannot be written: {reason}") from error


def read_arrays(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """None if the file is missing, damaged or of another key."""
    try:
        with safe_open(path, "np") as stored:
            checksum, _, written_key = (stored.metadata() or {}).get(_ABOUT, "").partition(" ")
            if written_key != key:
                return None
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError, ValueError):
        return None
    return arrays if checksum == _checksum(arrays) else None


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, forms and values: disks and copies do damage files, which would then be taken for results."""
    sum_so_far = 0
    for name, array in sorted(arrays.items()):
        sum_so_far = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), sum_so_far)
        sum_so_far = zlib.crc32(np.ascontiguousarray(array).data, sum_so_far)
    return str(sum_so_far)


def array_from_text(text: str) -> UInt8[np.ndarray, " n"]:
    return np.frombuffer(text.encode(), np.uint8)


def text_from_array(array: UInt8[np.ndarray, " n"]) -> str:
    return array.tobytes().decode()


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
