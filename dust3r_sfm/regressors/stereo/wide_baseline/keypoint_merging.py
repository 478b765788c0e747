"""Features of many pictures of one photo, folded into the places they show."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree


def merge_keypoints(pixels: Float[np.ndarray, "n d"], radius: float) -> Int[np.ndarray, " n"]:
    """For each feature the row of the one that stands for its place: itself, or the first within `radius`
    that stands for one. Time and memory are linear in the pairs of features within `radius`."""
    pairs = np.sort(cKDTree(pixels).query_pairs(radius, output_type="ndarray").reshape(-1, 2), axis=1)
    stands = _find_standing(len(pixels), pairs)
    earlier, later = pairs[stands[pairs[:, 0]] & ~stands[pairs[:, 1]]].T
    place = np.where(stands, np.arange(len(pixels)), len(pixels))
    np.minimum.at(place, later, earlier)
    return place


def _find_standing(count: int, pairs: Int[np.ndarray, "pairs 2"]) -> Bool[np.ndarray, " count"]:
    """Those left if each in turn, unless it is gone already, takes away the later ones that it is paired
    with (earlier, later); but in a few rounds over all of them at once."""
    earlier, later = pairs.T
    stands = np.zeros(count, dtype=bool)
    waiting = np.ones(count, dtype=bool)
    while waiting.any():
        behind = np.zeros(count, dtype=bool)
        behind[later[waiting[earlier]]] = True
        new = waiting & ~behind
        stands |= new
        waiting &= ~new
        waiting[later[new[earlier]]] = False
    return stands
