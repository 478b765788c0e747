"""Rotary position embedding in two dimensions (RoFormer, Su et al. 2021; 2D as in CroCo v2, section 3.2).

Queries and keys are turned by angles proportional to where their patch is, so that attention depends on
differences of positions alone. Half of a head's numbers are turned by the row, half by the column.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of patches."""


@dataclass(frozen=True)
class Rotation:
    """Cosines and sines of tokens: one angle for (row, column) and each of f frequencies. The batch may
    be 1, for images of one shape."""

    cos: Float[Tensor, "b n 2 f"]
    sin: Float[Tensor, "b n 2 f"]

    def turn(self, heads: Float[Tensor, "b n h d"]) -> Float[Tensor, "b n h d"]:
        """Turns d = 4f numbers of each token and attention head: (row, column) x (first, second) x f."""
        first, second = heads.unflatten(-1, (2, 2, -1)).unbind(-2)
        cos, sin = self.cos.to(heads.dtype).unsqueeze(2), self.sin.to(heads.dtype).unsqueeze(2)
        turned = torch.stack((first * cos - second * sin, second * cos + first * sin), dim=-2)
        return turned.flatten(-3)


@lru_cache(maxsize=32)
def rotation_for_grid(
    grid: Grid, head_dim: int, base: float, device: torch.device, dtype: torch.dtype
) -> Rotation:
    """Of tokens in row-major order; positions are whole numbers from 0..

    The tables of the last few grids are kept: a megabyte each at most.
    """
    # Tables made in inference mode could not be used again in training.
    with torch.inference_mode(False), torch.no_grad():
        num_frequencies = head_dim // 4
        exponents = torch.arange(num_frequencies, device=device, dtype=torch.float32) / num_frequencies
        rows, columns = torch.meshgrid(*(torch.arange(n, device=device) for n in grid), indexing="ij")
        positions = torch.stack((rows.flatten(), columns.flatten()), dim=-1)
        angles = positions[None, :, :, None] * base**-exponents
        return Rotation(angles.cos().to(dtype), angles.sin().to(dtype))
