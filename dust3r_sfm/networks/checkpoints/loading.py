"""A network from a name or a path: the published `.pth`, a folder from the hub, or a file of our own."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks import Dust3r, network_from_config
from dust3r_sfm.networks.checkpoints.assembling import assemble
from dust3r_sfm.networks.checkpoints.catalogue import KnownModel, find_model, known_models, recognise_model
from dust3r_sfm.networks.checkpoints.fingerprint import network_fingerprint
from dust3r_sfm.networks.checkpoints.hub import CONFIG_FILE, WEIGHTS_FILE, fetch_folder
from dust3r_sfm.networks.checkpoints.own_format import Description, description_from_metadata
from dust3r_sfm.networks.checkpoints.published import config_from_call, config_from_json
from dust3r_sfm.networks.checkpoints.weight_files import Tensors, read_pth, read_safetensors
from dust3r_sfm.networks.config import NetworkConfig

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with weights."""

    module: Dust3r
    """In evaluation mode, in float32, on the CPU."""
    config: NetworkConfig
    """What it was built from."""
    name: str
    """What users typed, or the file's."""
    licence: str | None
    """That of the weights; None where nobody says."""
    fingerprint: str
    """Differs as soon as one weight or setting does."""

    @property
    def metric(self) -> bool:
        """Points are in metres."""
        return self.config.metric


@dataclass(frozen=True)
class _Stored:
    """`path` is the file of the tensors; `model` is which published network it is, if it is one."""

    config: NetworkConfig
    licence: str | None
    tensors: Tensors
    path: Path
    model: KnownModel | None = None


def load_network(source: str | Path) -> LoadedNetwork:
    """The network that `source` names: one of `known_models()`, whose weights are downloaded if they are
    not on this machine; a published `.pth`; a folder with `config.json` and `model.safetensors`; or a
    `.safetensors` that `save_network` wrote. A `Path` is never taken for a name.

    Weights stay mapped from their file, so that there is one copy of them in memory. The licence of
    published ones is logged, once. Metric are the published networks known to be (by the name of the file
    or folder), and those of our own that say so.

    Raises InputError that names the file and what is wrong with it.
    """
    model = find_model(source) if isinstance(source, str) else None
    path = fetch_folder(model) if model else Path(source)
    stored = _read(path, model or recognise_model(path.absolute()))
    network = _network_on_no_device(stored)
    assemble(network, stored.tensors, stored.path)
    name, licence = stored.model.name if stored.model else path.absolute().stem, stored.licence
    if licence is not None:
        _state_licence(name, licence, logging.WARNING if stored.model else logging.INFO)
    fingerprint = network_fingerprint(network, stored.config)
    return LoadedNetwork(network.eval(), stored.config, name, licence, fingerprint)


def _read(path: Path, model: KnownModel | None) -> _Stored:
    if not path.exists():
        names = ", ".join(known.name for known in known_models())
        raise InputError(f"{path}: is no file or folder, nor a network that has a name ({names})")
    if path.is_dir():
        return _read_folder(path, model)
    return _read_safetensors(path, model) if path.suffix == ".safetensors" else _read_pth(path, model)


def _read_pth(path: Path, model: KnownModel | None) -> _Stored:
    published = read_pth(path)
    with _name_in_errors(path):
        config = config_from_call(published.call, _is_metric(model))
    return _Stored(config, _licence(model), published.tensors, path, model)


def _read_folder(folder: Path, model: KnownModel | None) -> _Stored:
    weights, config = folder / WEIGHTS_FILE, folder / CONFIG_FILE
    if missing := [file.name for file in (config, weights) if not file.is_file()]:
        raise InputError(f"{folder}: has no {' and no '.join(missing)}; download the whole repository")
    return _with_config_file(weights, read_safetensors(weights)[1], model)


def _read_safetensors(path: Path, model: KnownModel | None) -> _Stored:
    metadata, tensors = read_safetensors(path)
    with _name_in_errors(path):
        description = description_from_metadata(metadata)
    if description is not None:
        return _Stored(_two_view(description, path), description.licence, tensors, path)
    if not path.with_name(CONFIG_FILE).is_file():
        raise InputError(f"{path}: does not say what network it is of; put its {CONFIG_FILE} beside it")
    return _with_config_file(path, tensors, model)


def _with_config_file(weights: Path, tensors: Tensors, model: KnownModel | None) -> _Stored:
    file = weights.with_name(CONFIG_FILE)
    with _name_in_errors(file):
        config = config_from_json(file.read_text(encoding="utf-8", errors="replace"), _is_metric(model))
    return _Stored(config, _licence(model), tensors, weights, model)


def _two_view(description: Description, path: Path) -> NetworkConfig:
    if not isinstance(description.config, NetworkConfig):
        raise InputError(f"{path}: is a CroCo network, which gives no points; train DUSt3R from it first")
    return description.config


def _is_metric(model: KnownModel | None) -> bool:
    return model is not None and model.metric


def _licence(model: KnownModel | None) -> str | None:
    return None if model is None else model.licence


def _network_on_no_device(stored: _Stored) -> Dust3r:
    """Shapes alone: memory is what the file's tensors take."""
    num_blocks, num_tensors = stored.config.enc_depth + stored.config.dec_depth, len(stored.tensors)
    if num_blocks > num_tensors:
        raise InputError(f"{stored.path}: holds {num_tensors} tensors for a network of {num_blocks} blocks")
    try:
        with torch.device("meta"):
            return network_from_config(stored.config)
    except (RuntimeError, TypeError) as error:
        # What torch raises for sizes whose product is no 64-bit number.
        raise InputError(f"{stored.path}: describes a network that no memory can hold") from error


@contextmanager
def _name_in_errors(path: Path) -> Iterator[None]:
    """What is wrong, with the file it is wrong in."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


@lru_cache(maxsize=32)
def _state_licence(name: str, licence: str, level: int) -> None:
    _logger.log(level, "the weights of %s are under %s", name, licence)
