"""How far each depth is to be trusted, from what the sweep saw."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.regressors.plane_sweep.warp import Warp, sample

_BEST = 10.0
_MATCH_ERROR_PX = 0.25
_DEPTH_PRECISION = 0.02


@dataclass(frozen=True)
class Evidence:
    """Inverse depth of one image, the ZNCC of its match, and by how much the coarse match beat the
    next best (cost of 1 - ZNCC, smoothed)."""

    inverse_depth: Float[Tensor, "h w"]
    match: Float[Tensor, "h w"]
    margin: Float[Tensor, "h w"]


def confidence(found: Evidence, other: Evidence, warp: Warp, back: Warp) -> Float[Tensor, "h w"]:
    """In [1, 10]: the product of photo-consistency, uniqueness, agreement with the other image's
    depth and depth precision."""
    photo = ((found.match - 0.4) / 0.5).clamp(0, 1)
    unique = (found.margin / 0.1).clamp(0, 1)
    agree = torch.exp(-(disagreement_px(found, other, warp, back).square()))
    relative_error = _MATCH_ERROR_PX / (warp.speed(found.inverse_depth) * found.inverse_depth).clamp_min(1e-6)
    precise = 1 / (1 + (relative_error / _DEPTH_PRECISION).square())
    known = found.inverse_depth > 0
    return 1 + (_BEST - 1) * photo * unique * agree * precise * known


def disagreement_px(found: Evidence, other: Evidence, warp: Warp, back: Warp) -> Float[Tensor, "h w"]:
    """Pixels of this image between a pixel and where the other image's depth at its match takes it
    back to; infinite where the match is outside."""
    ratio = warp.at_infinity[2] + found.inverse_depth * warp.epipole[2]
    theirs, inside = sample(other.inverse_depth, warp, found.inverse_depth[None], mode="nearest")
    speed, _ = sample(back.speed(other.inverse_depth), warp, found.inverse_depth[None], mode="nearest")
    gap = (theirs[0] - found.inverse_depth / ratio).abs() * speed[0]
    return torch.where(inside[0], gap, torch.inf)
