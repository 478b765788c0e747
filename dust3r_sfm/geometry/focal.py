"""The focal length that a pointmap in its own camera's frame implies.

A pixel u (relative to the principal point) sees the point (X, Y, Z): u = f (X, Y) / Z. Both
estimators ignore points that no camera can see: those behind it, or so near that X / Z is noise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.geometry.robust import weighted_median
from dust3r_sfm.geometry.transforms import finite_points


@dataclass(frozen=True)
class FocalConfig:
    """Which points have a say in a focal, and how long it is refined."""

    min_relative_depth: float = 0.02
    """Points nearer than this fraction of the median depth are taken for outliers."""
    first_points: int = 1000
    """`focal_from_slopes` sets out from the median of so many points, and less than twice as many: that of
    all would take as long as everything after it."""
    iterations: int = 20
    """Rounds of re-weighting, at most."""
    converged: float = 1e-9
    """Relative change of a focal after which `focal_from_slopes` needs no other iteration."""


def _slopes(
    points: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, " n"], config: FocalConfig
) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """(X, Y) / Z, and where it means something."""
    z = points[:, 2]
    in_front = (weights > 0) & finite_points(points) & (z > 0)
    if not in_front.any():
        return np.zeros((len(points), 2)), in_front
    valid = in_front & (z > config.min_relative_depth * np.median(z[in_front]))
    return points[:, :2] / np.where(valid, z, 1.0)[:, None], valid


def focal_median(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    weights: Float[np.ndarray, " n"],
    config: FocalConfig | None = None,
) -> float | None:
    """Weighted median of the focals of all x and y coordinates, f = u Z / X; None without a usable
    point. `pixels` are relative to the principal point. No point has more than its weight to say,
    however far off it lies."""
    slopes, valid = _slopes(points, weights, config or FocalConfig())
    votes = np.where(valid[:, None] & (np.abs(slopes) > 1e-9), weights[:, None], 0.0)
    if votes.sum() <= 0:
        return None
    candidates = pixels / np.where(votes > 0, slopes, 1.0)
    focal = weighted_median(candidates.ravel(), votes.ravel())
    return focal if focal > 0 else None


def focal_weiszfeld(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    weights: Float[np.ndarray, " n"],
    config: FocalConfig | None = None,
) -> float | None:
    """Minimises sum of w |u - f (X, Y) / Z| over f by Weiszfeld's re-weighting (Weiszfeld 1937), from
    the weighted median. None without a usable point; `pixels` are relative to the principal point.

    That sum lets a point with a large slope (X, Y) / Z outvote any number of others. So those are left
    out that the median focal sends further from their pixel than any pixel is from the principal point.
    """
    config = config or FocalConfig()
    focal = focal_median(points, pixels, weights, config)
    if focal is None:
        return None
    slopes, seen, weights = _near(points, pixels, weights, focal, config)
    smallest = 1e-6 * focal
    along, squared = _dot(slopes, seen), _dot(slopes, slopes)
    for _ in range(config.iterations):
        off = seen - focal * slopes
        distance = np.sqrt(_dot(off, off))
        pull = weights / np.maximum(distance, smallest)
        focal = float((pull @ along) / (pull @ squared))
    return focal


def focal_from_slopes(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    weights: Float[np.ndarray, " n"],
    config: FocalConfig | None = None,
) -> float | None:
    """Minimises sum of w |(X, Y) / Z - g u| over g = 1 / f, as `focal_weiszfeld` does the same over f.

    Pixels are exact and points are not: noise of the points then stands on the side that is explained. On
    the other it makes slopes longer, so f comes out too small (errors in variables): with noise of 1 % of
    depth on x, y and z by 0.05 to 0.1 %, and spread four times as wide.
    """
    config = config or FocalConfig()
    some = slice(None, None, max(1, len(points) // config.first_points))
    focal = focal_median(points[some], pixels[some], weights[some], config)
    focal = focal or focal_median(points, pixels, weights, config)
    if focal is None:
        return None
    slopes, seen, weights = _near(points, pixels, weights, focal, config)
    inverse, smallest = 1.0 / focal, 1e-6 * float(np.abs(slopes).mean())
    along, squared = _dot(slopes, seen), _dot(seen, seen)
    for _ in range(config.iterations):
        off = slopes - inverse * seen
        distance = np.sqrt(_dot(off, off))
        pull = weights / np.maximum(distance, smallest)
        before, inverse = inverse, float((pull @ along) / (pull @ squared))
        if abs(inverse - before) <= config.converged * abs(inverse):
            break
    return 1.0 / inverse if inverse > 0 else None


def _dot(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    # Of a whole column at a time: sums over two components are slow.
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


def _near(
    points: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    weights: Float[np.ndarray, " n"],
    focal: float,
    config: FocalConfig,
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, "k 2"], Float[np.ndarray, " k"]]:
    """Slopes, pixels and weights of the points that the focal does not send further from their pixel than
    any pixel is from the principal point."""
    slopes, valid = _slopes(points, weights, config)
    miss = pixels - focal * slopes
    valid &= _dot(miss, miss) <= _dot(pixels, pixels).max()
    return slopes[valid], pixels[valid], weights[valid]
