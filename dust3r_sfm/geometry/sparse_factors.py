"""Direct solution of sparse symmetric systems."""

import scipy.sparse as sparse
from scipy.sparse.linalg import SuperLU, splu


def symmetric_factors(matrix: sparse.csc_matrix) -> SuperLU:
    """Of a positive definite matrix: an ordering for its symmetric pattern, without pivoting, fills far less
    than what SuperLU does unasked."""
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
