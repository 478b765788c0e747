"""Our own checkpoints: a safetensors file with the network's config, as JSON, in its metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import inf
from typing import TypeVar

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.config import (
    CrocoConfig,
    DPTHeadConfig,
    LinearHeadConfig,
    LocalFeatureConfig,
    NetworkConfig,
)

Config = NetworkConfig | CrocoConfig
Head = LinearHeadConfig | DPTHeadConfig
Built = TypeVar("Built")

_KEY = "dust3r_sfm"
_VERSION = 1
_KINDS: Mapping[str, type[Config]] = {
    "two_view": NetworkConfig,
    "croco": CrocoConfig,
}
_HEADS: Mapping[str, type[Head]] = {
    "linear": LinearHeadConfig,
    "dpt": DPTHeadConfig,
}


@dataclass(frozen=True)
class Description:
    """What a checkpoint of ours says about its tensors."""

    config: Config
    """Of the network that they belong to."""
    licence: str
    """Of the weights."""


def metadata_from_description(description: Description) -> dict[str, str]:
    """As safetensors keeps it: strings by name."""
    kind = "croco" if isinstance(description.config, CrocoConfig) else "two_view"
    stored = {
        "version": _VERSION,
        "kind": kind,
        "licence": description.licence,
        "config": _json_from_config(description.config),
    }
    return {"format": "pt", _KEY: json.dumps(stored, allow_nan=False)}


def description_from_metadata(metadata: Mapping[str, str]) -> Description | None:
    """None if the file is not one of ours. Raises InputError if it is, and cannot be understood."""
    if _KEY not in metadata:
        return None
    try:
        stored = json.loads(metadata[_KEY])
        version, kind = stored["version"], _KINDS[stored["kind"]]
        licence, config = str(stored["licence"]), dict(stored["config"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"its metadata are broken ({error!r}); save it again") from error
    if version != _VERSION:
        raise InputError(f"is of version {version}, this program reads {_VERSION}: update dust3r-sfm")
    return Description(_config_from_json(kind, config), licence)


def _json_from_config(config: Config) -> dict[str, object]:
    stored = asdict(config)
    if isinstance(config, NetworkConfig):
        name = next(name for name, kind in _HEADS.items() if isinstance(config.head, kind))
        stored["head"] = {"kind": name} | stored["head"]
    return {name: _without_infinity(value) for name, value in stored.items()}


def _without_infinity(value: object) -> object:
    """null for infinity (an upper bound that is not there), as JSON has no number for it."""
    if isinstance(value, dict):
        return {name: _without_infinity(inner) for name, inner in value.items()}
    return None if value == inf else value


def _config_from_json(kind: type[Config], stored: dict[str, object]) -> Config:
    if kind is NetworkConfig:
        stored["head"] = _head_from_json(_object("head", stored.get("head")))
        if stored.get("local_features") is not None:
            inner = _object("local_features", stored["local_features"])
            stored["local_features"] = _build(LocalFeatureConfig, inner)
    return _build(kind, stored)


def _object(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(f"has {name}={value!r}, which should be an object; save it again")
    return value


def _head_from_json(stored: dict[str, object]) -> Head:
    kind = _HEADS.get(str(stored.pop("kind", None)))
    if kind is None:
        raise InputError(f"its head is none of {', '.join(_HEADS)}: update dust3r-sfm")
    if "layer_dims" in stored:
        dims = stored["layer_dims"]
        if not isinstance(dims, list):
            raise InputError(f"has layer_dims={dims!r}, which should be four numbers; save it again")
        stored["layer_dims"] = tuple(dims)
    return _build(kind, stored)


def _build(kind: type[Built], stored: dict[str, object]) -> Built:
    """What the file does not mention came later than the file, and defaults to what there was."""
    # typeshed's dataclasses have no protocol that type[Built] could be bound to before Python 3.12.
    defaults = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(stored) - set(defaults)):
        raise InputError(f"has unknown settings: {', '.join(unknown)}; update dust3r-sfm")
    return kind(**{name: _as_default(name, value, defaults[name]) for name, value in stored.items()})


def _as_default(name: str, value: object, default: object) -> object:
    """The value, if it is of the kind its default is."""
    if isinstance(default, float):
        value = inf if value is None else float(value) if type(value) is int else value
    plain = isinstance(default, (bool, int, float, str))
    if plain and type(value) is not type(default):
        raise InputError(f"has {name}={value!r}, which should be like {default!r}; save it again")
    return value
