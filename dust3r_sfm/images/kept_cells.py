"""What may be used of a picture, at another size of it."""

import numpy as np
from jaxtyping import Bool


def keep_whole_cells(
    keep: Bool[np.ndarray, "r c"], rows: int, columns: int
) -> Bool[np.ndarray, "rows columns"]:
    """The picture cut into equal cells: whether all that a cell touches may be used. The nearest pixel alone
    would let matches at the edge of what is left out through."""
    return _along(_along(keep, rows, 0), columns, 1)


def _along(keep: Bool[np.ndarray, "r c"], cells: int, axis: int) -> Bool[np.ndarray, "s d"]:
    size = keep.shape[axis]
    ends = np.arange(cells + 1) * size
    first, last = ends[:-1] // cells, -(-ends[1:] // cells) - 1
    return np.logical_and.reduceat(keep, first, axis) & keep.take(last, axis)
