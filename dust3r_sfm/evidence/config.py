"""What a user may choose about how much is kept of each pair."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EvidenceConfig:
    """samples: fixed pixels of each view that are solved with. matches: correspondences of a pair that
    are solved with. max_correspondences: of a pair that go into tracks (20 bytes each, in memory); see
    `thinning.py` for which. kept_maps: depth maps of a view, the best ones, that are kept for
    fusion; more than are fused, as pairs that turn out wrong take theirs with them. Fewer where the others
    say little beside the best one (`kept_maps.py`)."""

    samples: int = 512
    matches: int = 192
    max_correspondences: int = 4000
    kept_maps: int = 10
