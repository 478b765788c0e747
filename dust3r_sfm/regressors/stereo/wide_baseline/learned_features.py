"""Learned keypoints of photos on disk, at more pixels than a view has."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.images import load_color
from dust3r_sfm.matching.learned import (
    LearnedConfig,
    LearnedFeatureConfig,
    LearnedFeatures,
    LearnedNetworks,
    arrays_from_features,
    detect_features,
    features_from_arrays,
    learned_fingerprint,
    load_networks,
    match_learned,
)
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.types import View


def detect_learned(
    networks: LearnedNetworks, view: View, config: LearnedFeatureConfig, quarter_turns: int = 0
) -> LearnedFeatures:
    """Keypoints of the view's photo, which is searched turned anticlockwise by 90 degrees `quarter_turns`
    times. Raises InputError if the file cannot be read any more."""
    picture, view_from_picture = load_color(view, config.long_edge_px)
    return detect_features(networks, view, picture, view_from_picture, config, quarter_turns)


class LearnedFeatureSource:
    """Learned keypoints as features that keep their places from one pair to the next; implements
    `EncodesFeatures`. The networks are loaded when first needed, which raises InputError where they cannot
    be."""

    def __init__(self, config: LearnedConfig, device: torch.device) -> None:
        self._config, self._device = config, device

    def fingerprint(self) -> str:
        return learned_fingerprint(self._config)

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        found = [detect_learned(self._networks, view, self._config.features) for view in views]
        return [arrays_from_features(features) for features in found]

    def feature_pixels(self, encoding: Encoding) -> Float[np.ndarray, "n 2"]:
        return features_from_arrays(encoding).pixels

    def match_features(self, encoding_i: Encoding, encoding_j: Encoding) -> Int[np.ndarray, "k 2"]:
        both = features_from_arrays(encoding_i), features_from_arrays(encoding_j)
        return match_learned(self._networks, *both).index_pairs

    @cached_property
    def _networks(self) -> LearnedNetworks:
        return load_networks(self._config, self._device)
