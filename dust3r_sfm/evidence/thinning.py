"""Fewer correspondences, such that tracks stay whole."""

import numpy as np
from jaxtyping import Float, Int, UInt64

from dust3r_sfm.types import Correspondences


def thin_correspondences(found: Correspondences, limit: int) -> Correspondences:
    """At most `limit` correspondences, spread over both images as all of them are, in float32 (which
    rounds pixels up to 1024 by at most 3e-5).

    Each pixel has a rank of its own, the same in all pairs; a match has the worse rank of its two pixels,
    and the best stay. So where the best pixels of three views match, all three pairs keep that
    match, which choices made for each pair alone would not.
    """
    pixels_i, pixels_j = found.pixels_i.astype(np.float32), found.pixels_j.astype(np.float32)
    weights = found.weights.astype(np.float32)
    if len(found) <= limit:
        return Correspondences(pixels_i, pixels_j, weights)
    rows = _best(np.maximum(_rank(pixels_i), _rank(pixels_j)), limit)
    return Correspondences(pixels_i[rows], pixels_j[rows], weights[rows])


def _best(rank: UInt64[np.ndarray, " n"], limit: int) -> Int[np.ndarray, " limit"]:
    """Rows of the lowest ranks, in their order; equal ranks go by row."""
    return np.sort(np.argsort(rank, kind="stable")[:limit])


def _rank(pixels: Float[np.ndarray, "n 2"]) -> UInt64[np.ndarray, " n"]:
    """Pseudo-random, of the bits of both coordinates (the finaliser of splitmix64, Steele et al. 2014)."""
    bits = np.ascontiguousarray(pixels).view(np.uint32).astype(np.uint64)
    mixed = bits[:, 0] << np.uint64(32) | bits[:, 1]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
