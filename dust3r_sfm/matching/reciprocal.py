"""Fast reciprocal matching (MASt3R, section 3.3), whatever "nearest" means.

A seed goes to its nearest in the other image and back. Where it comes back to itself, that is a match:
each is the other's nearest. Else it goes on from where it came back to, which is at least as near, until it
stays. From every pixel as a seed the matches of the first round are all there are.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Nearest = Callable[[Int[Tensor, " n"]], Int[Tensor, " n"]]
"""Indices in the other image of the nearest to these."""


def reciprocal_matches(
    seeds_i: Int[Tensor, " n"], seeds_j: Int[Tensor, " m"], j_of_i: Nearest, i_of_j: Nearest, rounds: int
) -> tuple[Int[Tensor, " k"], Int[Tensor, " k"]]:
    """Distinct matches found from the seeds of both images, in the order of i."""
    from_i = _from_seeds(seeds_i, j_of_i, i_of_j, rounds)
    from_j = _from_seeds(seeds_j, i_of_j, j_of_i, rounds)
    both = torch.cat([from_i, from_j.flip(1)])
    # A pixel has one nearest, so equal i means equal match: sorting rows only sorts by i.
    in_i, in_j = torch.unique(both, dim=0).unbind(dim=1)
    return in_i, in_j


def _from_seeds(seeds: Int[Tensor, " n"], there: Nearest, back: Nearest, rounds: int) -> Int[Tensor, "k 2"]:
    found = [seeds.new_zeros(0, 2)]
    for _ in range(rounds):
        if len(seeds) == 0:
            break
        other = there(seeds)
        returned = back(other)
        closed = returned == seeds
        found.append(torch.stack([seeds[closed], other[closed]], dim=1))
        # Many seeds run together into one place.
        seeds = torch.unique(returned[~closed])
    return torch.cat(found)


def grid_seeds(height: int, width: int, stride: int, device: torch.device) -> Int[Tensor, " n"]:
    """Flat indices of every `stride`-th pixel of every `stride`-th row, around the middle of each cell."""
    rows = torch.arange(min(stride // 2, height - 1), height, stride, device=device)
    columns = torch.arange(min(stride // 2, width - 1), width, stride, device=device)
    return (rows[:, None] * width + columns).flatten()


def seeds_among(usable: Bool[Tensor, "h w"], stride: int) -> Int[Tensor, " n"]:
    """The seeds of a grid that are usable, counted among the usable pixels."""
    flat = usable.flatten()
    seeds = grid_seeds(usable.shape[0], usable.shape[1], stride, usable.device)
    number = torch.cumsum(flat, dim=0) - 1
    return number[seeds[flat[seeds]]]
