"""Learned keypoints of photos on disk, at more pixels than a view has."""

from dust3r_sfm.images import load_color
from dust3r_sfm.matching.learned import (
    LearnedFeatureConfig,
    LearnedFeatures,
    LearnedNetworks,
    detect_features,
)
from dust3r_sfm.types import View


def detect_learned(
    networks: LearnedNetworks, view: View, config: LearnedFeatureConfig, quarter_turns: int = 0
) -> LearnedFeatures:
    """Keypoints of the view's photo, which is searched turned anticlockwise by 90 degrees `quarter_turns`
    times. Raises InputError if the file cannot be read any more."""
    picture, view_from_picture = load_color(view, config.long_edge_px)
    return detect_features(networks, view, picture, view_from_picture, config, quarter_turns)
