"""Coordinates-first vector arithmetic ("3 n"), written out in elementwise steps: torch's norm and
matrix product with one very short side are many times slower."""

from jaxtyping import Float
from torch import Tensor


def rotate(matrix: Float[Tensor, "3 3"], vectors: Float[Tensor, "3 #n"]) -> Float[Tensor, "3 #n"]:
    """matrix @ vectors."""
    out = matrix[:, 0:1] * vectors[0]
    return out.addcmul_(matrix[:, 1:2], vectors[1:2]).addcmul_(matrix[:, 2:3], vectors[2:3])


def dot(a: Float[Tensor, "k #n"], b: Float[Tensor, "k #n"]) -> Float[Tensor, " #n"]:
    """Inner products of columns, of two or three coordinates."""
    out = a[0] * b[0] + a[1] * b[1]
    return out + a[2] * b[2] if len(a) == 3 else out


def length(vectors: Float[Tensor, "k n"]) -> Float[Tensor, " n"]:
    """Euclidean norms of columns."""
    return dot(vectors, vectors).sqrt()
