"""The two kinds of files that hold tensors, read without running anything that is in them."""

import argparse
import pickle
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from dust3r_sfm.errors import InputError

Tensors = Mapping[str, Tensor]

_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
# What torch and its restricted unpickler raise where bytes make no sense to them.
_BROKEN = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    AssertionError,
    struct.error,
)


@dataclass(frozen=True)
class PublishedFile:
    """A `.pth` of the authors' training code: the call that builds the network, and its state."""

    call: str
    tensors: Tensors


def read_pth(path: Path) -> PublishedFile:
    """What a published `.pth` holds; its tensors stay in the file until they are used. Other keys, such as
    an optimizer's state, are left alone.

    Only tensors, plain containers and `argparse.Namespace` are unpickled. Raises InputError, naming the
    file, if it refers to anything else (code that loading would run), is not such a file, or is cut short.
    """
    _check_not_empty(path)
    content = _unpickle(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: has no `model` and `args`, as published .pth files do")
    arguments = content.get("args")
    call = getattr(arguments, "model", None) if isinstance(arguments, argparse.Namespace) else None
    if not isinstance(call, str):
        raise InputError(f"{path}: has no args.model that describes its network, as published .pth files do")
    state = content.get("model")
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError(f"{path}: has no tensors under `model`, as published .pth files do")
    return PublishedFile(call, state)


def _unpickle(path: Path) -> object:
    with path.open("rb") as file:
        start = file.read(len(_ZIP))
    if start != _ZIP and not start.startswith(_PICKLE):
        raise InputError(f"{path}: is not a checkpoint: neither .safetensors nor written by torch.save")
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=start == _ZIP)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"`{found[1]}`" if found else "a pickle that torch.save does not write"
        raise InputError(
            f"{path}: holds {what}. Loading that could run code, so it was refused and nothing was run. "
            "Have its authors save only tensors under `model`, and `args`"
        ) from error
    except _BROKEN as error:
        raise InputError(f"{path}: is cut short or broken; download it again") from error


def read_safetensors(path: Path) -> tuple[Mapping[str, str], Tensors]:
    """Metadata and tensors, which stay in the file until they are used. Raises InputError, naming the
    file, if it is not a safetensors file or cut short."""
    _check_not_empty(path)
    _check_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path}: is cut short or broken ({error}); download it again") from error


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(9)
    size = int.from_bytes(start[:8], "little")
    if start[8:] != b"{":
        raise InputError(f"{path}: is not a safetensors file; download it again")
    if size + 8 > path.stat().st_size:
        raise InputError(f"{path}: is cut short; download it again")


def _check_not_empty(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: does not exist, or is not a file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty; download it again")
