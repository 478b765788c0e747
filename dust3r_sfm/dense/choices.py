"""What users choose of the fused cloud, apart from its config, which takes seconds to import: the help of the
commands is made of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CloudChoices:
    """Part of `CloudFusionConfig`."""

    min_views: int = 2
    """Least photos whose depths agree on a point, its own included."""
    min_confidence: float = 1.5
    """Depth trusted less is left out; 1 is no trust at all."""
    max_points: int | None = 1_000_000
    """Most points of the cloud: an even share of all is drawn. None: all."""
