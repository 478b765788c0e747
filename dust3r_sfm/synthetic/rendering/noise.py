"""Deterministic procedural noise: integer hashes, and band-limited value noise built on them."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from dust3r_sfm.synthetic.rendering.vectors import rotate

LATTICE = 32
"""Cells after which value noise repeats, along each axis."""


def hash01(cells: Int[Tensor, "k *n"], seed: int) -> Float[Tensor, "*n"]:
    """A float32 in [0, 1) for each integer cell. Integer arithmetic only: the same on every machine."""
    value = torch.full_like(cells[0], (seed * 2654435761 + 97) & 0xFFFFFFFF)
    for coordinate in cells:
        value = ((value ^ (coordinate & 0xFFFFFFFF)) * 1274126177) & 0xFFFFFFFF
        value = ((value ^ (value >> 15)) * 739982445) & 0xFFFFFFFF
        value = value ^ (value >> 13)
    return (value & 0xFFFFFF).float() / float(1 << 24)


@lru_cache(maxsize=512)
def _lattice(seed: int) -> Float[Tensor, "1 1 d d d"]:
    """Values in [-1, 1] at lattice corners, padded by one so that the noise wraps around."""
    axis = torch.arange(LATTICE + 1) % LATTICE
    cells = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"))
    return (2.0 * hash01(cells, seed) - 1.0)[None, None]


def value_noise(points: Float[Tensor, "3 n"], seed: int) -> Float[Tensor, " n"]:
    """Smooth noise in [-1, 1] with features about one unit wide."""
    cell = points.floor()
    fraction = points - cell
    smooth = torch.remainder(cell, LATTICE) + fraction * fraction * (3.0 - 2.0 * fraction)
    grid = (smooth * (2.0 / LATTICE) - 1.0).T.contiguous().view(1, 1, 1, -1, 3)
    return functional.grid_sample(_lattice(seed).to(points), grid, align_corners=True).view(-1)


_TURN = ((0.00, 0.80, 0.60), (-0.80, 0.36, -0.48), (-0.60, -0.48, 0.64))
"""A fixed turn between octaves, so that their lattices do not line up into visible squares."""


def fractal_noise(
    points: Float[Tensor, "3 n"],
    footprint: Float[Tensor, " n"],
    seed: int,
    size: float,
    octaves: int,
    gain: float = 0.6,
) -> Float[Tensor, " n"]:
    """Octaves of value noise, the coarsest `size` wide, each next half as wide and `gain` as strong.

    An octave fades out where its features get narrower than two `footprint`s (the width of a pixel
    on the surface, in the units of `points`), so that far surfaces do not shimmer. Its standard
    deviation is about 0.35 where nothing fades.
    """
    turn = points.new_tensor(_TURN)
    total, finest = torch.zeros_like(footprint), footprint.min().item()
    amplitude, power = 1.0, 0.0
    for octave in range(octaves):
        if size > finest:
            fade = (size / footprint - 1.0).clamp(0.0, 1.0)
            total += amplitude * fade * value_noise(points / size + 7.3 * octave, seed * 31 + octave)
            points = rotate(turn, points)
        power += amplitude * amplitude
        amplitude, size = amplitude * gain, size / 2.0
    return total / power**0.5
