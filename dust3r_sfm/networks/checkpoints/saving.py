"""A network into a file of our own format, whole or not at all."""

import uuid
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.networks.checkpoints.assembling import aliases_of
from dust3r_sfm.networks.checkpoints.own_format import Description, metadata_from_description


def save_network(path: Path, network: nn.Module, description: Description) -> None:
    """Writes `path`, a `.safetensors` file that `load_network` takes; one that exists is replaced in one
    step. A tensor of two names is written under its first.

    Raises InputError for another suffix, by which the file would not be read again, and OutputError if it
    cannot be written.
    """
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: networks are saved as .safetensors; give it that suffix")
    repeated = {name for names in aliases_of(network) for name in names[1:]}
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if name not in repeated
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, tensors, metadata_from_description(description))
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written ({error}). Choose another place") from error


def _write_whole(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    partial = path.with_name(f".{path.name}.partial-{uuid.uuid4().hex[:12]}")
    try:
        save_file(tensors, partial, metadata)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
