"""What may be chosen about the descent; the defaults are the published ones."""

from dataclasses import dataclass
from typing import Literal

Distance = Literal["l1", "l2"]
Weighting = Literal["log", "sqrt", "minus_one", "identity"]
Schedule = Literal["cosine", "linear"]


@dataclass(frozen=True)
class GradientConfig:
    """distance: l1 (the Euclidean norm) or l2 (its square). weighting: of a pixel, from its confidence.
    iterations, learning_rate, last_learning_rate, schedule: of Adam. pair_adaptors: a pair may be stretched
    along its axis. principal_points: are solved for. base_scale: geometric mean of the pairs' scales, which
    keeps the world from shrinking; ignored where known poses fix its size. device: of torch."""

    distance: Distance = "l1"
    weighting: Weighting = "log"
    iterations: int = 300
    learning_rate: float = 0.01
    last_learning_rate: float = 1e-6
    schedule: Schedule = "cosine"
    pair_adaptors: bool = False
    principal_points: bool = False
    base_scale: float = 0.5
    device: str = "cpu"
