"""What may be chosen about the descent; the defaults are the published ones."""

from dataclasses import dataclass
from typing import Literal

Distance = Literal["l1", "l2"]
Weighting = Literal["log", "sqrt", "minus_one", "identity"]
Schedule = Literal["cosine", "linear"]


@dataclass(frozen=True)
class GradientConfig:
    """The published descent, and what may be varied of it."""

    distance: Distance = "l1"
    """l1 (the Euclidean norm) or l2 (its square) of 3D differences."""
    weighting: Weighting = "log"
    """Of a pixel, from its confidence."""
    iterations: int = 300
    """Steps of Adam."""
    learning_rate: float = 0.01
    """At the first step."""
    last_learning_rate: float = 1e-6
    """At the last one."""
    schedule: Schedule = "cosine"
    """Of the learning rate between both."""
    pair_adaptors: bool = False
    """Whether a pair may be stretched along its axis."""
    principal_points: bool = False
    """Whether they are solved for."""
    base_scale: float = 0.5
    """Geometric mean of the pairs' scales, which keeps the world from shrinking; ignored where known poses
    fix its size."""
    resection_error: float = 0.01
    """Reprojection error of an inlier over the focal, where cameras start from a resection."""
    device: str = "cpu"
    """Of torch."""
