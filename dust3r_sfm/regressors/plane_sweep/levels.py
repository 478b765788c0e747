"""Images at several sizes, and estimates carried from one size to the next."""

import functools

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from dust3r_sfm.regressors.plane_sweep.matching_cost import box_mean

COARSEST = 4
"""Times smaller than the photo that the coarsest picture is: the sweep has three sizes, each half of the one
before."""
Pyramid = dict[int, Tensor]
"""Grey images "h w" by how many times smaller than the photo they are: 1, 2 and COARSEST."""


def gray_pyramid(image: UInt8[np.ndarray, "h w 3"], device: torch.device) -> Pyramid:
    """Grey values, of 1 and about zero, at 1 / scale of the size, rounded up."""
    luma = torch.tensor([0.299, 0.587, 0.114], device=device) / 255
    gray = torch.tensor(image, device=device).float() @ luma - 0.5
    levels = {1: gray}
    for scale in (2, COARSEST):
        finer = levels[scale // 2][None, None]
        levels[scale] = avg_pool2d(finer, 2, ceil_mode=True, count_include_pad=False)[0, 0]
    return levels


def enlarge(values: Float[Tensor, "h w"], factor: int, shape: torch.Size) -> Float[Tensor, "_h _w"]:
    """Values between the pixels, `factor` times denser, cut to `shape`."""
    larger = interpolate(values[None, None], scale_factor=factor, mode="bilinear", align_corners=False)
    return larger[0, 0, : shape[0], : shape[1]]


def _greatest_around(values: Float[Tensor, "k h w"], window: int) -> Float[Tensor, "k h w"]:
    """Greatest of window x window, rows first: on a CPU many times faster than max_pool2d."""
    half = window // 2
    padded = pad(values[None], (half, half, half, half), mode="replicate")[0]
    for dim in (1, 2):
        length = padded.shape[dim] - window + 1
        shifted = [padded.narrow(dim, offset, length) for offset in range(window)]
        padded = functools.reduce(torch.maximum, shifted)
    return padded


def extremes(coarse: Float[Tensor, "h w"], shape: torch.Size) -> Float[Tensor, "2 _h _w"]:
    """Least and greatest of the 3 x 3 values around, twice denser, cut to `shape`."""
    both = _greatest_around(torch.stack([-coarse, coarse]), 3)
    larger = interpolate(both[:, None], scale_factor=2, mode="nearest")[:, 0, : shape[0], : shape[1]]
    return torch.stack([-larger[0], larger[1]])


def relative_spread(inverse_depth: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """(greatest - least) / own of the 5 x 5 inverse depths around: where it is large, windows saw
    both what is in front and what is behind."""
    ends = _greatest_around(torch.stack([inverse_depth, -inverse_depth]), 5)
    return (ends[0] + ends[1]) / inverse_depth.clamp_min(1e-6)


def settle(inverse_depth: Float[Tensor, "h w"], smooth_spread: float) -> Float[Tensor, "h w"]:
    """Lone pixels moved to the median of 3 x 3; where the relative spread is below `smooth_spread`, away from
    edges of surfaces, the mean of 5 x 5, which planes pass unchanged (inverse depth is affine in pixels on
    them)."""
    settled = median3(inverse_depth)
    mean = box_mean(settled[None], 5)[0]
    return torch.where(relative_spread(settled) < smooth_spread, mean, settled)


def median3(values: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Median of 3 x 3, the border left as it is."""
    rows = values[:-2], values[1:-1], values[2:]
    low, middle, high = _sort3(*rows)
    parts = [[p[:, :-2], p[:, 1:-1], p[:, 2:]] for p in (low, middle, high)]
    candidates = _sort3(*parts[0])[2], _sort3(*parts[1])[1], _sort3(*parts[2])[0]
    out = values.clone()
    out[1:-1, 1:-1] = _sort3(*candidates)[1]
    return out


def _sort3(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    return torch.minimum(low, c), torch.maximum(low, torch.minimum(high, c)), torch.maximum(high, c)
