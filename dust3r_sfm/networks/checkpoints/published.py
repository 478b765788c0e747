"""How published checkpoints describe their network: the call that builds it, as a text that is parsed and
never evaluated (`.pth`), or the same keywords as JSON (folders from the Hugging Face hub)."""

import json
import re
from collections.abc import Mapping
from math import inf

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.checkpoints.call_text import Value, parse_call
from dust3r_sfm.networks.config import DPTHeadConfig, LinearHeadConfig, LocalFeatureConfig, NetworkConfig

_CLASSES = ("AsymmetricCroCo3DStereo", "AsymmetricMASt3R")
_SIZES = ("enc_embed_dim", "enc_depth", "enc_num_heads", "dec_embed_dim", "dec_depth", "dec_num_heads")
_NEEDED = ("pos_embed", "img_size", "head_type", "output_mode", *_SIZES)
# Training only, or the same at inference: a portrait picture gives what a turned landscape one does.
_WITHOUT_EFFECT = ("freeze", "landscape_only", "mask_ratio")
_ONLY_VALUES: Mapping[str, tuple[Value, ...]] = {
    "depth_mode": (("exp", -inf, inf),),
    "patch_embed_cls": ("PatchEmbedDust3R", "ManyAR_PatchEmbed"),
    "norm_im2_in_dec": (True,),
    "desc_mode": ("norm", ("norm",)),
}
_DEFAULTED = ("patch_size", "mlp_ratio", "conf_mode", "two_confs", "desc_conf_mode")
_KEYWORDS = frozenset((*_NEEDED, *_WITHOUT_EFFECT, *_ONLY_VALUES, *_DEFAULTED))
_EXP_FROM_1 = ("exp", 1, inf)


def config_from_call(text: str, metric: bool) -> NetworkConfig:
    """The network that the call `text` describes, say "AsymmetricMASt3R(enc_depth=24, ...)". Raises
    InputError for one that is no such call, or describes nothing that is implemented here."""
    call = parse_call(text)
    if call.name not in _CLASSES:
        raise InputError(f"builds a {call.name}; known are {' and '.join(_CLASSES)}")
    return config_from_keywords(call.keywords, metric)


def config_from_json(text: str, metric: bool) -> NetworkConfig:
    """The network that a hub repository's `config.json` describes. Python's JSON takes the bare tokens
    Infinity and -Infinity that are in there. Raises InputError if it is not such a file."""
    try:
        keywords = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error}); download it again") from error
    if not isinstance(keywords, dict):
        raise InputError("is not a JSON object; download it again")
    return config_from_keywords({key: _without_lists(value) for key, value in keywords.items()}, metric)


def _without_lists(value: object) -> Value:
    if isinstance(value, list):
        return tuple(_without_lists(element) for element in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InputError(f"holds {value!r}; values are numbers, strings and lists")


def config_from_keywords(keywords: Mapping[str, Value], metric: bool) -> NetworkConfig:
    """The network these keywords of the published classes describe. What the checkpoint does not say is
    whether it was trained to be `metric`.

    Raises InputError naming a keyword that is unknown or missing, or has a value nothing here implements.
    """
    _check_keywords(keywords)
    confidence_min, confidence_max = _confidence_range(keywords, "conf_mode")
    return NetworkConfig(
        long_edge=_long_edge(keywords["img_size"]),
        patch_size=_whole(keywords, "patch_size", 16),
        enc_embed_dim=_whole(keywords, "enc_embed_dim"),
        enc_depth=_whole(keywords, "enc_depth"),
        enc_num_heads=_whole(keywords, "enc_num_heads"),
        dec_embed_dim=_whole(keywords, "dec_embed_dim"),
        dec_depth=_whole(keywords, "dec_depth"),
        dec_num_heads=_whole(keywords, "dec_num_heads"),
        mlp_ratio=_whole(keywords, "mlp_ratio", 4),
        rope_base=_rope_base(keywords["pos_embed"]),
        head=_head(keywords["head_type"]),
        local_features=_local_features(keywords),
        confidence_min=confidence_min,
        confidence_max=confidence_max,
        metric=metric,
    )


def _check_keywords(keywords: Mapping[str, Value]) -> None:
    if unknown := sorted(set(keywords) - _KEYWORDS):
        raise InputError(f"has unknown settings: {', '.join(unknown)}. Only DUSt3R's and MASt3R's are known")
    if missing := [name for name in _NEEDED if name not in keywords]:
        raise InputError(f"lacks the settings {', '.join(missing)}")
    for name, allowed in _ONLY_VALUES.items():
        if name in keywords and keywords[name] not in allowed:
            raise _unsupported(name, keywords[name], " or ".join(repr(value) for value in allowed))


def _unsupported(name: str, value: Value, wanted: str) -> InputError:
    return InputError(f"has {name}={value!r}, which is not implemented; known is {wanted}")


def _whole(keywords: Mapping[str, Value], name: str, default: int | None = None) -> int:
    value = keywords.get(name, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unsupported(name, value, "a whole number")
    return value


def _long_edge(img_size: Value) -> int:
    sides = img_size if isinstance(img_size, tuple) else (img_size,)
    whole = [side for side in sides if isinstance(side, int)]
    if len(whole) != len(sides) or not whole:
        raise _unsupported("img_size", img_size, "one whole number or two")
    return max(whole)


def _rope_base(pos_embed: Value) -> float:
    found = re.fullmatch(r"RoPE(\d+(?:\.\d+)?)", str(pos_embed))
    if found is None:
        raise _unsupported("pos_embed", pos_embed, "'RoPE100', with any number")
    return float(found[1])


def _head(head_type: Value) -> LinearHeadConfig | DPTHeadConfig:
    if head_type == "linear":
        return LinearHeadConfig()
    if head_type in ("dpt", "catmlp+dpt"):
        return DPTHeadConfig()
    raise _unsupported("head_type", head_type, "'linear', 'dpt' or 'catmlp+dpt'")


def _local_features(keywords: Mapping[str, Value]) -> LocalFeatureConfig | None:
    head_type, output_mode = keywords["head_type"], str(keywords["output_mode"])
    if head_type != "catmlp+dpt":
        if output_mode != "pts3d":
            raise _unsupported("output_mode", output_mode, f"'pts3d' with head_type={head_type!r}")
        return None
    found = re.fullmatch(r"pts3d\+desc(\d{1,4})", output_mode)
    if found is None:
        raise _unsupported("output_mode", output_mode, "'pts3d+desc24', with any number")
    # Descriptors without a range of their own take that of the points.
    own = keywords.get("desc_conf_mode") is not None
    low, high = _confidence_range(keywords, "desc_conf_mode" if own else "conf_mode")
    return LocalFeatureConfig(
        dim=int(found[1]),
        two_confidences=bool(keywords.get("two_confs", False)),
        confidence_min=low,
        confidence_max=high,
    )


def _confidence_range(keywords: Mapping[str, Value], name: str) -> tuple[float, float]:
    match keywords.get(name, _EXP_FROM_1):
        case ("exp", int() | float() as low, int() | float() as high):
            return float(low), float(high)
        case other:
            raise _unsupported(name, other, f"{_EXP_FROM_1!r}, with any numbers")
