"""Semi-global smoothing of a cost volume (Hirschmueller, PAMI 2008), along rows and columns."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def smooth(
    cost: Float[Tensor, "d h w"],
    guide: Float[Tensor, "h w"],
    small_step: float,
    large_step: float,
    edge: float,
) -> Float[Tensor, "d h w"]:
    """The mean of the path costs from left, right, above and below.

    A step of one hypothesis between neighbours costs `small_step`, a longer one `large_step`: less
    of it where the guide's grey values differ by `edge` or more.
    """
    columns = _both_ways(cost.permute(1, 0, 2), _jump_cost(guide, large_step, edge), small_step)
    rows = _both_ways(cost.permute(2, 0, 1), _jump_cost(guide.T, large_step, edge), small_step)
    return (columns.permute(1, 0, 2) + rows.permute(1, 2, 0)).mul_(0.25)


def _jump_cost(guide: Float[Tensor, "n lines"], large_step: float, edge: float) -> Float[Tensor, "_n lines"]:
    return large_step / (1 + guide.diff(dim=0).abs() / edge)


def _both_ways(
    cost: Float[Tensor, "n d lines"], jump: Float[Tensor, "_n lines"], small_step: float
) -> Float[Tensor, "n d lines"]:
    """Sum of the path costs down and up the first axis, both in one scan."""
    steps, hypotheses, lines = cost.shape
    costs = torch.stack([cost, cost.flip(0)], dim=1)
    jumps = torch.stack([jump, jump.flip(0)], dim=1)[:, :, None]
    padded = cost.new_full((steps, 2, hypotheses + 2, lines), math.inf)
    paths = padded[:, :, 1:-1]
    paths[0] = costs[0]
    for step in range(1, steps):
        before = paths[step - 1]
        best = before.amin(dim=1, keepdim=True)
        reached = torch.minimum(padded[step - 1, :, :-2], padded[step - 1, :, 2:]).add_(small_step)
        reached = torch.minimum(
            torch.minimum(reached, before, out=reached), best + jumps[step - 1], out=reached
        )
        torch.add(reached.sub_(best), costs[step], out=paths[step])
    return paths[:, 0] + paths[:, 1].flip(0)
