"""k-means, as Lloyd has it (scipy's), from random rows."""

import warnings

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_array

ROWS_AT_ONCE = 4096
"""Rows whose distances to all centres are in memory together: some megabytes."""


def kmeans(
    rows: Float[np.ndarray, "n d"], count: int, iterations: int, generator: np.random.Generator
) -> Float[np.ndarray, "_count d"]:
    """`count` centres (as many as there are rows if those are fewer), begun at random rows. A centre that
    no row is nearest to stays where it is. O(n d count) time an iteration."""
    count = min(count, len(rows))
    start = rows[np.sort(generator.choice(len(rows), count, replace=False))].astype(np.float32)
    with warnings.catch_warnings():
        # Of centres that no row is nearest to: rows that are all alike leave some, and they do no harm.
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        centres, _ = kmeans2(rows.astype(np.float32), start, iter=iterations, minit="matrix")
    return centres


def nearest_centres(
    rows: Float[np.ndarray, "n d"], centres: Float[np.ndarray, "count d"]
) -> Int[np.ndarray, " n"]:
    """The index of each row's nearest centre, the first of equally near ones."""
    half_squares = (centres**2).sum(axis=1) / 2
    parts = [
        (rows[start : start + ROWS_AT_ONCE] @ centres.T - half_squares).argmax(axis=1)
        for start in range(0, len(rows), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def group_sums(
    rows: Float[np.ndarray, "n d"], group: Int[np.ndarray, " n"], count: int
) -> tuple[Float[np.ndarray, "count d"], Float[np.ndarray, " count"]]:
    """For each group 0 .. count-1 the sum of its rows and how many there are."""
    ones = np.ones(len(rows), np.float32)
    member = csr_array((ones, (group, np.arange(len(rows)))), shape=(count, len(rows)))
    sizes = np.bincount(group, minlength=count).astype(np.float32)
    return member @ rows.astype(np.float32), sizes
