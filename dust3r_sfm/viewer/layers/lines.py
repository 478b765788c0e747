"""Lines between cameras: the pair graph, and the rays of one track."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from dust3r_sfm.viewer.layers.colors import error_colors, line_colors
from dust3r_sfm.viewer.scene import ViewedPair

_REJECTED = (170, 170, 170)


def pair_lines(
    pairs: Sequence[ViewedPair], centres: Float[np.ndarray, "c 3"], used: bool, bad_px: float
) -> tuple[Float[np.ndarray, "n 2 3"], UInt8[np.ndarray, "n 2 3"]]:
    """A line each for the used pairs, green to red by the better residual of both directions, or for those of
    which no direction was used, in grey."""
    best: dict[tuple[int, int], float] = {}
    for pair in pairs:
        if pair.used:
            key = (min(pair.photos), max(pair.photos))
            residual = np.inf if pair.residual_px is None else pair.residual_px
            best[key] = min(best.get(key, np.inf), residual)
    keys = list(best)
    if not used:
        keys = sorted({(min(p.photos), max(p.photos)) for p in pairs} - best.keys())
    ends = np.array(keys, dtype=np.int64).reshape(-1, 2)
    if used:
        colors = error_colors(np.array(list(best.values()), dtype=np.float64), bad_px)
    else:
        colors = np.tile(np.array(_REJECTED, dtype=np.uint8), (len(keys), 1))
    return centres[ends], line_colors(colors)


def track_lines(
    point: Float[np.ndarray, "3"],
    centres: Float[np.ndarray, "k 3"],
    errors_px: Float[np.ndarray, " k"],
    bad_px: float,
) -> tuple[Float[np.ndarray, "k 2 3"], UInt8[np.ndarray, "k 2 3"]]:
    """From the point to each camera that observes it, by reprojection error."""
    lines = np.stack([np.broadcast_to(point, centres.shape), centres], axis=1)
    return lines, line_colors(error_colors(errors_px, bad_px))
