"""Learned keypoints and matches that anyone may use: ALIKED (BSD-3) and LightGlue (Apache-2.0) by kornia."""

from dust3r_sfm.matching.learned.config import LearnedConfig, LearnedFeatureConfig, LearnedMatchConfig
from dust3r_sfm.matching.learned.features import (
    LearnedFeatures,
    arrays_from_features,
    detect_features,
    features_from_arrays,
    select_strongest,
)
from dust3r_sfm.matching.learned.matches import LearnedMatches, match_learned
from dust3r_sfm.matching.learned.networks import (
    LearnedNetworks,
    learned_available,
    learned_fingerprint,
    load_networks,
    why_unavailable,
)

__all__ = [
    "LearnedConfig",
    "LearnedFeatureConfig",
    "LearnedFeatures",
    "LearnedMatchConfig",
    "LearnedMatches",
    "LearnedNetworks",
    "arrays_from_features",
    "detect_features",
    "features_from_arrays",
    "learned_available",
    "learned_fingerprint",
    "load_networks",
    "match_learned",
    "select_strongest",
    "why_unavailable",
]
