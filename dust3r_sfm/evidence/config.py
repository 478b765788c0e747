"""What a user may choose about how much is kept of each pair."""

from dataclasses import dataclass, field

from dust3r_sfm.geometry.focal import FocalConfig


@dataclass(frozen=True)
class EvidenceConfig:
    """How much is kept of each pair."""

    samples: int = 512
    """Fixed pixels of each view that are solved with."""
    matches: int = 192
    """Correspondences of a pair that are solved with."""
    max_correspondences: int = 4000
    """Correspondences of a pair that go into tracks (20 bytes each, in memory); see `thinning.py` for
    which."""
    kept_maps: int = 10
    """Depth maps of a view, the best ones, that are kept for fusion; more than are fused, as pairs that turn
    out wrong take theirs with them."""
    always_kept_maps: int = 3
    """So many maps of a view are kept however little they say: pairs may turn out wrong."""
    min_map_share: float = 0.2
    """Of the weight of a view's best map, that the others have at least. (What is triangulated from the
    matches of a pair has .02 to .15 of what a sweep says, where photos have texture.)"""
    focal_pixels: int = 5_000
    """Pixels of a pointmap that its focal is estimated on, about."""
    min_focal_points: int = 20
    """Known points among these, below which they tell no focal."""
    focal_spread: float = 1.5
    """Standard deviation of such a focal, in median misses of a pixel over the root of the summed squared
    slopes. Of normal errors it would be about 1; these have longer tails."""
    focal: FocalConfig = field(default_factory=FocalConfig)
    """How they tell it."""
