"""How far each depth is to be trusted, from what the sweep saw."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.regressors.plane_sweep.levels import relative_spread
from dust3r_sfm.regressors.plane_sweep.warp import Warp, sample

_BEST = 10.0
_GOOD_MATCH = 0.6
_GOOD_MARGIN = 0.5
_MATCH_ERROR_PX = 0.25
_DEPTH_PRECISION = 0.02
_SPREAD = 0.05
"""Where the parts of the evidence reach full weight (the first two) or half of it: chosen so that on
rendered rooms one or two in a hundred pixels with confidence above 2 are off by more than 3 %."""


@dataclass(frozen=True)
class Evidence:
    """Inverse depth of one image, the ZNCC of its match, and by how much the coarse match beat the
    next best (cost of 1 - ZNCC, smoothed)."""

    inverse_depth: Float[Tensor, "h w"]
    match: Float[Tensor, "h w"]
    margin: Float[Tensor, "h w"]


def confidence(found: Evidence, other: Evidence, warp: Warp, back: Warp) -> Float[Tensor, "h w"]:
    """In [1, 10]: the product of photo-consistency, uniqueness, agreement with the other image's
    depth, depth precision and distance from the edges of surfaces."""
    photo = (found.match / _GOOD_MATCH).clamp(0, 1)
    unique = (found.margin / _GOOD_MARGIN).clamp(0, 1)
    agree = torch.exp(-disagreement_px(found, other, warp, back).square())
    relative_error = _MATCH_ERROR_PX / (warp.speed(found.inverse_depth) * found.inverse_depth).clamp_min(1e-6)
    precise = 1 / (1 + (relative_error / _DEPTH_PRECISION).square())
    inner = 1 / (1 + (relative_spread(found.inverse_depth) / _SPREAD).pow(4))
    known = found.inverse_depth > 0
    return 1 + (_BEST - 1) * photo * unique * agree * precise * inner * known


def disagreement_px(found: Evidence, other: Evidence, warp: Warp, back: Warp) -> Float[Tensor, "h w"]:
    """Pixels of this image between a pixel and where the other image's depth at its match takes it
    back to; infinite where the match is outside."""
    ratio = warp.depth_ratio(found.inverse_depth)
    both = torch.stack([other.inverse_depth, back.speed(other.inverse_depth)])
    seen, inside = sample(both, warp, found.inverse_depth[None], mode="nearest")
    theirs, speed = seen[0]
    gap = (theirs - found.inverse_depth / ratio).abs() * speed
    return torch.where(inside[0], gap, torch.inf)
