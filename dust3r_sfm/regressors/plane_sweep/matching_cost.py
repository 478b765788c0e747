"""Zero-mean normalised cross-correlation of image i with image j seen through hypothetical depths."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from dust3r_sfm.regressors.plane_sweep.warp import Warp, sample

_CPU_CHUNK, _GPU_CHUNK = 1 << 19, 1 << 26
"""Values warped at once: what stays in a CPU's cache, or fills a GPU."""


@dataclass(frozen=True)
class ReferencePatches:
    """Image i prepared for matching: grey values in [0, 1] less their mean, and window statistics."""

    gray: Float[Tensor, "h w"]
    mean: Float[Tensor, "h w"]
    inverse_deviation: Float[Tensor, "h w"]


def box_mean(values: Float[Tensor, "d h w"], window: int) -> Float[Tensor, "d h w"]:
    """Mean over window x window pixels (odd), the border repeated."""
    half = window // 2
    padded = pad(values[None], (half, half, half, half), mode="replicate")[0]
    rows = _running_sum(padded, window, 1)
    return _running_sum(rows, window, 2).mul_(1.0 / window**2)


def _running_sum(values: Float[Tensor, "d h w"], window: int, dim: int) -> Float[Tensor, "d _h _w"]:
    """Of `window` neighbours each, from sums of half as many: fewer passes than one a neighbour."""
    if window == 1:
        return values
    length, half = values.shape[dim] - window + 1, window // 2
    halves = _running_sum(values, half, dim)
    total = halves.narrow(dim, 0, length) + halves.narrow(dim, half, length)
    return total.add_(values.narrow(dim, window - 1, length)) if window % 2 else total


def reference_patches(gray: Float[Tensor, "h w"], window: int, noise: float) -> ReferencePatches:
    mean = box_mean(gray[None], window)[0]
    variance = box_mean((gray * gray)[None], window)[0] - mean * mean
    return ReferencePatches(gray, mean, (variance.clamp_min(0) + noise**2).rsqrt())


def correlation(
    ref: ReferencePatches,
    gray_j: Float[Tensor, "hj wj"],
    warp: Warp,
    inverse_depth: Float[Tensor, "d #h #w"],
    window: int,
    noise: float,
) -> Float[Tensor, "d h w"]:
    """ZNCC in [-1, 1] of the windows about every pixel; 0 behind camera j or outside its image.

    `noise` (of grey values in [0, 1]) is added to both deviations, so that flat windows correlate
    with nothing.
    """
    elements = _CPU_CHUNK if gray_j.device.type == "cpu" else _GPU_CHUNK
    parts = inverse_depth.split(max(1, elements // ref.gray.numel()))
    return torch.cat([_correlation(ref, gray_j, warp, part, window, noise) for part in parts])


def _correlation(
    ref: ReferencePatches,
    gray_j: Float[Tensor, "hj wj"],
    warp: Warp,
    inverse_depth: Float[Tensor, "d #h #w"],
    window: int,
    noise: float,
) -> Float[Tensor, "d h w"]:
    warped, inside = sample(gray_j, warp, inverse_depth)
    mean = box_mean(warped, window)
    covariance = box_mean(warped * ref.gray, window).addcmul_(mean, ref.mean.expand_as(mean), value=-1)
    variance = box_mean(warped * warped, window).addcmul_(mean, mean, value=-1)
    deviation = variance.clamp_min_(0).add_(noise**2).rsqrt_()
    return covariance.mul_(ref.inverse_deviation).mul_(deviation).mul_(inside)
