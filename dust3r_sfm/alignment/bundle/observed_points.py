"""Which point of a scene a match's pixel is an observation of."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from dust3r_sfm.types import Tracks

SAME_PIXEL = 0.05
"""View pixels between a match and the observation that it is: they differ by rounding only."""


@dataclass(frozen=True, eq=False)
class ObservedPoints:
    """What one view of a scene observes: `point_of` each pixel that is in `tree`."""

    tree: cKDTree
    point_of: Int[np.ndarray, " k"]


def observed_points(tracks: Tracks, view: int) -> ObservedPoints:
    rows = np.flatnonzero(tracks.view_index == view)
    return ObservedPoints(cKDTree(tracks.pixels[rows].reshape(-1, 2)), tracks.point_index[rows])


def points_at(observed: ObservedPoints, pixels: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, " n"]:
    """The point (row of the tracks) that the view observes at each of its pixels, -1 where there is none."""
    found = np.full(len(pixels), -1, dtype=np.int64)
    if not len(pixels) or not len(observed.point_of):
        return found
    distance, nearest = observed.tree.query(pixels.astype(np.float64))
    hit = distance < SAME_PIXEL
    found[hit] = observed.point_of[nearest[hit]]
    return found
