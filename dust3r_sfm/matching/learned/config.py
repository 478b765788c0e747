"""What may be chosen about learned keypoints and their matches."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LearnedFeatureConfig:
    """Keypoints and descriptors of one photo: ALIKED."""

    long_edge_px: int = 1024
    """Photos are searched at up to this size: what LightGlue was trained and measured at. Of 190 pairs of
    co3d_apple (1280 px) 71 have the right rotation with it, 65 with 1600."""
    max_keypoints: int = 2048
    """The strongest that are kept. The time for a pair grows with its square: .33 s with half as many, 1.1 s
    with these (one core); of those pairs 55 are right with half as many."""
    detection_threshold: float = 0.05
    """Score in (0, 1) that a keypoint must exceed. ALIKED's own choice, 0.2, leaves photos of plain things
    with few: of those pairs 61 are right with it, 71 with this, 70 with 0.02; of 120 of
    middlebury_temple_sparsering 22, 23 and 25."""
    nms_radius_px: int = 2
    """No two keypoints are this near in the searched picture: ALIKED's own choice."""


@dataclass(frozen=True)
class LearnedMatchConfig:
    """Matches of two photos: LightGlue, with all three as its authors chose them. Without stopping and
    pruning a pair takes twice as long and has as many matches, nine of ten of them the same; with 0.9 and
    0.95 for the last two it takes a quarter less, and of the pairs of
    `LearnedFeatureConfig.detection_threshold` 60 are right."""

    min_score: float = 0.1
    """Score in (0, 1) that a match must exceed."""
    stop_share: float = 0.95
    """Layers after the one where this share of the keypoints is sure of its match are left out: most of the
    time for an easy pair. -1: never."""
    prune_confidence: float = 0.99
    """How surely a keypoint must be without a match to be left out of further layers. -1: never."""


@dataclass(frozen=True)
class LearnedConfig:
    """Learned keypoints and their matches."""

    features: LearnedFeatureConfig = field(default_factory=LearnedFeatureConfig)
    """Keypoints of each photo."""
    matching: LearnedMatchConfig = field(default_factory=LearnedMatchConfig)
    """Their matches."""
    patience_s: float = 10.0
    """Seconds without an answer after which the server with the weights is given up."""
