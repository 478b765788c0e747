"""How far each depth is to be trusted, from what the sweep saw."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.regressors.plane_sweep.levels import relative_spread
from dust3r_sfm.regressors.plane_sweep.warp import Warp, sample


@dataclass(frozen=True)
class SweepConfidenceConfig:
    """Where the parts of the evidence have their full weight, or half of it: chosen so that on rendered rooms
    one or two in a hundred pixels with confidence above 2 are off by more than 3 %."""

    best: float = 10.0
    """Confidence where all parts agree, about that of published networks at their surest."""
    good_match: float = 0.6
    """Correlation (ZNCC) of a match from which on it has full weight."""
    good_margin: float = 0.5
    """Cost (of 1 - ZNCC, smoothed) by which the best coarse match must beat the next unlike it, for full
    weight."""
    match_error_px: float = 0.25
    """How precisely a pixel is matched, from which the depth's own precision follows."""
    depth_precision: float = 0.02
    """Relative error of depth, by that, at which it has half the weight."""
    surface_spread: float = 0.05
    """Relative spread of the depths around a pixel at which it has half the weight: more is the edge of a
    surface."""


@dataclass(frozen=True)
class SweepEvidence:
    """Inverse depth of one image, the ZNCC of its match, and by how much the coarse match beat the
    next best (cost of 1 - ZNCC, smoothed)."""

    inverse_depth: Float[Tensor, "h w"]
    match: Float[Tensor, "h w"]
    margin: Float[Tensor, "h w"]


def confidence(
    found: SweepEvidence, other: SweepEvidence, warp: Warp, back: Warp, config: SweepConfidenceConfig
) -> Float[Tensor, "h w"]:
    """In [1, `best`]: the product of photo-consistency, uniqueness, agreement with the other image's
    depth, depth precision and distance from the edges of surfaces."""
    photo = (found.match / config.good_match).clamp(0, 1)
    unique = (found.margin / config.good_margin).clamp(0, 1)
    agree = torch.exp(-disagreement_px(found, other, warp, back).square())
    motion = (warp.speed(found.inverse_depth) * found.inverse_depth).clamp_min(1e-6)
    precise = 1 / (1 + (config.match_error_px / motion / config.depth_precision).square())
    inner = 1 / (1 + (relative_spread(found.inverse_depth) / config.surface_spread).pow(4))
    known = found.inverse_depth > 0
    return 1 + (config.best - 1) * photo * unique * agree * precise * inner * known


def disagreement_px(
    found: SweepEvidence, other: SweepEvidence, warp: Warp, back: Warp
) -> Float[Tensor, "h w"]:
    """Pixels of this image between a pixel and where the other image's depth at its match takes it
    back to; infinite where the match is outside."""
    ratio = warp.depth_ratio(found.inverse_depth)
    both = torch.stack([other.inverse_depth, back.speed(other.inverse_depth)])
    seen, inside = sample(both, warp, found.inverse_depth[None], mode="nearest")
    theirs, speed = seen[0]
    gap = (theirs - found.inverse_depth / ratio).abs() * speed
    return torch.where(inside[0], gap, torch.inf)
