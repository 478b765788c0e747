"""Where between pixels a pointmap passes a point."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""(rows, columns) to the neighbours right, left, below and above."""
FLATTEST = 1e-6
"""Determinant over squared trace of the normal equations below which they fix no place."""


def subpixel_shift(
    points: Float[Tensor, "h w 3"],
    usable: Bool[Tensor, "h w"],
    at: Int[Tensor, " n"],
    targets: Float[Tensor, "n 3"],
) -> Float[Tensor, "n 2"]:
    """How far, in (x, y) pixels from the centre of pixel `at`, the surface that the pointmap samples comes
    nearest to the target: one Gauss-Newton step by central differences, at most half a pixel. None where
    a neighbour is not usable; next to none at edges, where neighbours are far apart."""
    height, width = usable.shape
    row, column = at // width, at % width
    inner = (row > 0) & (row < height - 1) & (column > 0) & (column < width - 1)
    shift = points.new_zeros(len(at), 2)
    shift[inner] = _step(points, usable, row[inner], column[inner], targets[inner])
    return shift


def _step(
    points: Float[Tensor, "h w 3"],
    usable: Bool[Tensor, "h w"],
    row: Int[Tensor, " n"],
    column: Int[Tensor, " n"],
    targets: Float[Tensor, "n 3"],
) -> Float[Tensor, "n 2"]:
    right, left, below, above = (points[row + down, column + across] for down, across in AROUND)
    slopes = torch.stack([right - left, below - above], dim=-1) / 2
    normal = slopes.mT @ slopes
    trace = normal.diagonal(dim1=-2, dim2=-1).sum(dim=-1)
    solvable = torch.linalg.det(normal) > FLATTEST * trace**2
    for down, across in AROUND:
        solvable &= usable[row + down, column + across]
    safe = torch.where(solvable[:, None, None], normal, torch.eye(2, device=points.device))
    missing = (slopes.mT @ (targets - points[row, column])[..., None])[..., 0]
    shift = torch.linalg.solve(safe, missing)
    return torch.where(solvable[:, None], shift, 0.0).clamp(-0.5, 0.5)
