"""Arrays through a pipe between two processes of ours: lengths and forms as JSON, then the values."""

import json
import struct
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

_LENGTH = struct.Struct("<Q")


def write_message(pipe: IO[bytes], about: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Raises OSError where nobody reads any more."""
    forms = [(array.dtype.str, array.shape) for array in arrays]
    header = json.dumps({"about": about, "forms": forms}).encode()
    pipe.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        pipe.write(np.ascontiguousarray(array).tobytes())
    pipe.flush()


def read_message(pipe: IO[bytes]) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """None where the other end is closed, also in the middle of a message."""
    length = pipe.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    encoded = pipe.read(*_LENGTH.unpack(length))
    try:
        header = json.loads(encoded)
    except ValueError:
        return None
    arrays = []
    for kind, shape in header["forms"]:
        count = int(np.prod(shape))
        values = pipe.read(count * np.dtype(kind).itemsize)
        if len(values) < count * np.dtype(kind).itemsize:
            return None
        arrays.append(np.frombuffer(values, kind).reshape(shape))
    return header["about"], arrays
