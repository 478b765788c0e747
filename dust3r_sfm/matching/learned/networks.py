"""kornia's ALIKED and LightGlue with the published weights, in full precision and without gradients.

X. Zhao et al., "ALIKED: A Lighter Keypoint and Descriptor Extraction Network via Deformable Transformation",
IEEE TIM 2023. P. Lindenberger et al., "LightGlue: Local Feature Matching at Light Speed", ICCV 2023.
"""

import hashlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.results_version import RESULTS_VERSION
from dust3r_sfm.matching.learned.attention import CrossAttention
from dust3r_sfm.matching.learned.config import LearnedConfig
from dust3r_sfm.matching.learned.deformable import DeformableConvolution
from dust3r_sfm.matching.learned.weights import (
    ALIKED_WEIGHTS,
    GET_WEIGHTS,
    LIGHTGLUE_WEIGHTS,
    WeightFile,
    fetch_weights,
    find_weights,
    read_weights,
)

if TYPE_CHECKING:
    from kornia.feature import ALIKED, LightGlue

_DESCRIPTOR_SIZE = 128
"""Numbers of a descriptor of the published ALIKED."""
_DERIVED = {"dkd.hw_grid", "confidence_thresholds"}
"""Buffers that kornia computes when it builds the networks, and that the published files lack."""
_NO_KORNIA = "kornia is not installed: run `pip install 'dust3r-sfm[learned]'`"


@dataclass(frozen=True)
class LearnedNetworks:
    """What detects and describes keypoints, and what matches them; both on `device`."""

    aliked: "ALIKED"
    lightglue: "LightGlue"
    device: torch.device


def why_unavailable() -> str | None:
    """What is missing for `load_networks` to work without a download, in one sentence; None if nothing is.
    Asks no server and imports nothing."""
    if importlib.util.find_spec("kornia") is None:
        return _NO_KORNIA
    try:
        missing = [file.name for file in (ALIKED_WEIGHTS, LIGHTGLUE_WEIGHTS) if find_weights(file) is None]
    except InputError as error:
        return str(error)
    if missing:
        return f"weights are not on this machine ({', '.join(missing)}): {GET_WEIGHTS}"
    return None


def learned_available() -> bool:
    """Whether learned matches can be had without a download."""
    return why_unavailable() is None


def learned_fingerprint(config: LearnedConfig) -> str:
    """Names all that keypoints and matches depend on besides the photos: weights and settings."""
    weights = f"{RESULTS_VERSION} {ALIKED_WEIGHTS.sha256} {LIGHTGLUE_WEIGHTS.sha256}"
    return hashlib.sha256(f"{weights} {config.features} {config.matching}".encode()).hexdigest()[:32]


def load_networks(config: LearnedConfig, device: torch.device) -> LearnedNetworks:
    """Both networks, after a download of their weights if need be. Raises InputError if kornia is not
    installed, or weights are neither here nor to be had."""
    try:
        from kornia.feature import ALIKED, LightGlue
    except ImportError as error:
        raise InputError(f"learned matches cannot be made: {_NO_KORNIA}") from error
    aliked = ALIKED(
        "aliked-n16",
        detection_threshold=config.features.detection_threshold,
        nms_radius=config.features.nms_radius_px,
    )
    with _flash_attention_as_it_is():
        lightglue = LightGlue(
            None,  # type: ignore[arg-type]  # kornia's way of saying that it must not download
            input_dim=_DESCRIPTOR_SIZE,
            flash=False,  # on CUDA it would halve the precision
            depth_confidence=config.matching.stop_share,
            width_confidence=config.matching.prune_confidence,
            filter_threshold=config.matching.min_score,
        )
    _load(aliked, _state(ALIKED_WEIGHTS, config))
    _load(lightglue, _rename(_state(LIGHTGLUE_WEIGHTS, config)))
    _replace_slow_layers(aliked, lightglue)
    return LearnedNetworks(aliked.to(device), lightglue.to(device), device)


def _replace_slow_layers(aliked: "ALIKED", lightglue: "LightGlue") -> None:
    from kornia.feature.aliked.aliked import DeformableConv2d
    from kornia.feature.lightglue import CrossBlock

    for module in [*aliked.modules(), *lightglue.modules()]:
        for name, layer in list(module.named_children()):
            if isinstance(layer, DeformableConv2d):
                module.register_module(name, DeformableConvolution(layer))
            elif isinstance(layer, CrossBlock):
                module.register_module(name, CrossAttention(layer))


@contextmanager
def _flash_attention_as_it_is() -> Iterator[None]:
    """kornia's constructor sets it for the whole process; on the CPU it is exact, and off it is slow."""
    before = torch.backends.cuda.flash_sdp_enabled()
    try:
        yield
    finally:
        torch.backends.cuda.enable_flash_sdp(before)


def _state(file: WeightFile, config: LearnedConfig) -> Mapping[str, Tensor]:
    return read_weights(fetch_weights(file, config.patience_s))


def _rename(state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The published names `self_attn.3.x` as kornia has them: `transformers.3.self_attn.x`."""
    published = re.compile(r"^(self_attn|cross_attn)\.(\d+)\.")
    return {published.sub(r"transformers.\2.\1.", name): tensor for name, tensor in state.items()}


def _load(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    found = network.load_state_dict(state, strict=False)
    assert set(found.missing_keys) <= _DERIVED, found.missing_keys
    assert not found.unexpected_keys, found.unexpected_keys
    network.eval().requires_grad_(False)
