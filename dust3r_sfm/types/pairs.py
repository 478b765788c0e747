"""Two views together: which, and what a regressor says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float

PointmapArray = Float[np.ndarray, "h w 3"]
ConfidenceArray = Float[np.ndarray, "h w"]


@dataclass(frozen=True, order=True)
class Pair:
    """A directed pair of view indices: predictions live in camera i's frame."""

    i: int
    """The view in whose camera's frame both pointmaps are."""
    j: int
    """The other view."""

    def swap(self) -> "Pair":
        return Pair(self.j, self.i)


class PairGeometry(str, Enum):
    """What two views of a pair turned out to show."""

    GENERAL = "general"
    PLANAR = "planar"
    ROTATION_ONLY = "rotation_only"
    LOW_PARALLAX = "low_parallax"
    UNRELATED = "unrelated"


@dataclass(frozen=True)
class Correspondences:
    """Matching places in two views, one row a match."""

    pixels_i: Float[np.ndarray, "n 2"]
    """Continuous view pixels (x, y) of view i."""
    pixels_j: Float[np.ndarray, "n 2"]
    """The same of view j."""
    weights: Float[np.ndarray, " n"]
    """How much each is believed, in (0, 1]."""

    def __len__(self) -> int:
        return len(self.weights)

    def swap(self) -> "Correspondences":
        return Correspondences(self.pixels_j, self.pixels_i, self.weights)


@dataclass(frozen=True)
class PairPrediction:
    """What a regressor says of one directed pair. Each map has the height and width of its view's `image`."""

    pair: Pair
    """Which views, and in which order."""
    points_i: PointmapArray
    """Where view i's pixels lie, in camera i's frame, in a scale of the pair's own."""
    points_j: Float[np.ndarray, "hj wj 3"]
    """Where view j's pixels lie, in camera i's frame too and in the same scale."""
    confidence_i: ConfidenceArray
    """Of `points_i`: at least 1, and 1 means "knows nothing"."""
    confidence_j: Float[np.ndarray, "hj wj"]
    """The same of `points_j`."""
    correspondences: Correspondences | None = None
    """Matches that the regressor found itself; None where it looks for none."""
    geometry: PairGeometry = PairGeometry.GENERAL
    """What the pair shows, as far as the regressor tells."""


Predictions = Sequence[PairPrediction]
"""Of all pairs, to be made into evidence: a list, or a sequence that loads one at a time."""
