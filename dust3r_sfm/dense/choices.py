"""What users choose of the fused cloud, apart from its config, which takes seconds to import: the help of the
commands is made of it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class CloudChoices:
    """Part of `CloudFusionConfig`."""

    min_views: int = 2
    """Least photos whose depths agree on a point, its own included."""
    min_confidence: float = 1.5
    """Depth trusted less is left out; 1 is no trust at all."""
    max_points: int | None = 1_000_000
    """Most points of the cloud: an even share of all is drawn. None: all."""


UpChoice = Literal["auto", "none", "+x", "-x", "+y", "-y", "+z", "-z"]


@dataclass(frozen=True, kw_only=True)
class UprightChoices:
    """What users tell of up."""

    up: UpChoice = "auto"
    """Which way is up in the world. scene.glb, report.html and nerfstudio's folder stand by it; sparse/0 is
    not turned. auto: as cameras and upright edges in the photos tell. none: as the world is."""


SkyChoice = Literal["keep", "remove", "mask"]


@dataclass(frozen=True, kw_only=True)
class CleaningChoices:
    """What users tell of what is no surface."""

    sky: SkyChoice = "keep"
    """What becomes of the sky, which is found by colour, smoothness and direction. remove: it has no depth
    and so no points. mask: it is masked in written images as well, so that nothing is trained there."""
