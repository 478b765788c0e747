"""From indices of matching pixels to correspondences."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dust3r_sfm.types import Correspondences


def correspondences_at(
    in_i: Int[Tensor, " n"],
    in_j: Int[Tensor, " n"],
    widths: tuple[int, int],
    confidence: Float[Tensor, " n"],
) -> Correspondences:
    """Correspondences between flat pixel indices. Confidence c (any positive number) becomes the weight
    c / (1 + c)."""
    weights = (confidence / (1.0 + confidence)).float().cpu().numpy()
    return Correspondences(pixel_centres(in_i, widths[0]), pixel_centres(in_j, widths[1]), weights)


def choose_evenly(count: int, most: int, device: torch.device) -> Int[Tensor, " n"]:
    """Which of `count` to keep for `most` to be left."""
    if count <= most:
        return torch.arange(count, device=device)
    return torch.linspace(0, count - 1, most, device=device, dtype=torch.float64).round().long()


def pixel_centres(index: Int[Tensor, " n"], width: int) -> Float[np.ndarray, "n 2"]:
    """Continuous pixels: the centre of the first is at (0.5, 0.5)."""
    row, column = np.divmod(index.cpu().numpy(), width)
    return np.stack([column, row], axis=1).astype(np.float32) + np.float32(0.5)
