"""Robust statistics: medians, deviations and kernels."""

import numpy as np
from jaxtyping import Float

MAD_TO_STD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
MEDIAN_ERROR_OF_MAD = 1.86
"""Standard error of the median of n normal samples, times the root of n, over their median absolute
deviation: 1.4826 times 1.2533."""


def known_median(values: Float[np.ndarray, "n m"]) -> Float[np.ndarray, " n"]:
    """Median of each row's values that are not NaN; NaN where all are. (`np.nanmedian` takes ten times as
    long on the sizes that alignment has.)"""
    ordered = np.sort(values, axis=1)
    counts = values.shape[1] - np.isnan(values).sum(axis=1)
    rows = np.arange(len(values))
    return 0.5 * (ordered[rows, np.maximum(counts - 1, 0) // 2] + ordered[rows, counts // 2 - (counts == 0)])


def deviation(values: Float[np.ndarray, "*shape"]) -> float:
    """Standard deviation about 0 by the median absolute value, of values that are known."""
    return MAD_TO_STD * float(np.median(np.abs(values)))


def weighted_median(values: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> float:
    """The value below which half of the (non-negative, not all zero) weight lies."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(cumulative, 0.5 * cumulative[-1])]])


def geman_mcclure(ratio: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Weight 1 / (1 + r^2)^2 of residuals that are r = `ratio` times the kernel's width (Geman and McClure
    1985), in their dtype."""
    weight = np.square(ratio)
    weight += 1.0
    return 1.0 / np.square(weight)


def bounded_sum(residual: Float[np.ndarray, " e"], weights: Float[np.ndarray, " e"], floor: float) -> float:
    """What the last steps of `kernel_weights` minimise: weighted sum of r^2 / (1 + r^2), r over the width."""
    squared = (residual / (3.0 * max(float(np.median(residual)), floor))) ** 2
    return float((weights * squared / (1.0 + squared)).sum())


def kernel_weights(
    residual: Float[np.ndarray, " e"], step: int, steps: int, floor: float
) -> Float[np.ndarray, " e"]:
    """IRLS factors: the first half of the steps L1 (convex, so the start does not matter), the rest
    Geman-McClure, three times the median residual (or `floor`, if that is more) wide."""
    typical = max(float(np.median(residual)), floor)
    ratio = residual / (3.0 * typical)
    return 1.0 / np.maximum(ratio, 0.03) if step < steps // 2 else geman_mcclure(ratio)
