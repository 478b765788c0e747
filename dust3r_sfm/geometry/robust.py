"""Medians of what is known: `np.nanmedian` takes ten times as long on the sizes that alignment has."""

import numpy as np
from jaxtyping import Float


def known_median(values: Float[np.ndarray, "n m"]) -> Float[np.ndarray, " n"]:
    """Median of each row's values that are not NaN; NaN where all are."""
    ordered = np.sort(values, axis=1)
    counts = values.shape[1] - np.isnan(values).sum(axis=1)
    rows = np.arange(len(values))
    return 0.5 * (ordered[rows, np.maximum(counts - 1, 0) // 2] + ordered[rows, counts // 2 - (counts == 0)])
