"""Depth of both images of a pair with known cameras, coarse to fine.

At quarter size every pixel tries the whole range of inverse depths, smoothed semi-globally; at half
and full size it picks among the estimates around it and tries a few steps about the pick.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.regressors.plane_sweep.confidence import SweepConfidenceConfig, SweepEvidence, confidence
from dust3r_sfm.regressors.plane_sweep.levels import (
    COARSEST,
    Pyramid,
    enlarge,
    extremes,
    gray_pyramid,
    settle,
)
from dust3r_sfm.regressors.plane_sweep.matching_cost import box_mean, correlation, reference_patches
from dust3r_sfm.regressors.plane_sweep.semi_global import smooth
from dust3r_sfm.regressors.plane_sweep.warp import Warp, make_warp
from dust3r_sfm.types import Camera, ConfidenceArray, Rigid


@dataclass(frozen=True)
class SweepConfig:
    """How depth is searched, coarse to fine. Grey values are of 255, costs of 1 - ZNCC."""

    hypotheses: int = 64
    """Most inverse depths tried at quarter size; fewer where less motion is at stake."""
    min_hypotheses: int = 16
    """The least that are tried: the smoothing wants some of either side of the best."""
    motion_quantile: float = 0.9
    """Share of the pixels whose motion between the ends of the range decides how many are tried: those at the
    borders, or beside the epipole, move otherwise than most."""
    window_px: int = 5
    """Side of the correlation window, odd."""
    noise: float = 2.0
    """Deviation of grey values below which texture is not trusted."""
    small_step: float = 0.2
    """Cost, when smoothing at quarter size, of neighbours one hypothesis apart (P1 of Hirschmueller 2008)."""
    large_step: float = 1.2
    """Cost of neighbours farther apart (P2)."""
    edge: float = 20.0
    """Difference of grey values between neighbours at which that costs half."""
    rival_steps: int = 2
    """Hypotheses to either side of the best that are not its rivals, when it is asked whether it is
    unique."""
    refinements: tuple[int, int] = (5, 3)
    """Steps tried to either side at half and at full size; a step is half a pixel of that size."""
    smooth_bonus: float = 0.05
    """ZNCC by which the nearest or farthest estimate around must beat the interpolated one."""
    smooth_spread: float = 0.03
    """Relative spread of inverse depths around a pixel below which it lies on one smooth surface, and is the
    mean of them."""
    confidence: SweepConfidenceConfig = field(default_factory=SweepConfidenceConfig)
    """How far each depth is to be trusted."""

    def __post_init__(self) -> None:
        assert self.window_px % 2 == 1, "a window has a middle pixel"


@dataclass(frozen=True)
class DepthEstimate:
    """`depth` is z in the image's own camera (units of the baseline given; 0 = unknown).
    `confidence` is DUSt3R's: 1 knows nothing, about 10 is as good as it gets."""

    depth: Float[np.ndarray, "h w"]
    confidence: ConfidenceArray


def sweep_pair(
    image_i: UInt8[np.ndarray, "hi wi 3"],
    image_j: UInt8[np.ndarray, "hj wj 3"],
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Rigid,
    inverse_depth_range_i: tuple[float, float],
    inverse_depth_range_j: tuple[float, float],
    config: SweepConfig,
    device: torch.device,
) -> tuple[DepthEstimate, DepthEstimate]:
    """Depth maps of both images, each in its own camera, in the unit of `j_from_i`'s translation.

    Ranges are (least, greatest) inverse depth to try. Images may differ in size and focal; their
    cameras are in their own pixels. Deterministic; runs wherever `device` is.
    """
    pyramid_i, pyramid_j = gray_pyramid(image_i, device), gray_pyramid(image_j, device)
    i_from_j = invert_rigid(j_from_i)
    with torch.inference_mode():
        warps_i = {s: make_warp(camera_i, camera_j, j_from_i, s, device) for s in pyramid_i}
        warps_j = {s: make_warp(camera_j, camera_i, i_from_j, s, device) for s in pyramid_j}
        found_i = _one_way(pyramid_i, pyramid_j, warps_i, inverse_depth_range_i, config)
        found_j = _one_way(pyramid_j, pyramid_i, warps_j, inverse_depth_range_j, config)
        return (
            _estimate(found_i, found_j, warps_i[1], warps_j[1], config.confidence),
            _estimate(found_j, found_i, warps_j[1], warps_i[1], config.confidence),
        )


def _estimate(
    found: SweepEvidence, other: SweepEvidence, warp: Warp, back: Warp, config: SweepConfidenceConfig
) -> DepthEstimate:
    trust = confidence(found, other, warp, back, config)
    depth = torch.where(found.inverse_depth > 0, 1 / found.inverse_depth, 0.0)
    return DepthEstimate(depth.cpu().numpy(), trust.cpu().numpy())


def _one_way(
    pyramid: Pyramid,
    pyramid_other: Pyramid,
    warps: dict[int, Warp],
    inverse_depth_range: tuple[float, float],
    config: SweepConfig,
) -> SweepEvidence:
    best, margin, step = _sweep(
        pyramid[COARSEST], pyramid_other[COARSEST], warps[COARSEST], inverse_depth_range, config
    )
    for scale, reach in zip((2, 1), config.refinements, strict=True):
        # the sweep steps by a pixel of quarter size, if hypotheses suffice; these by half a pixel
        fine_step = step * scale / (2 * COARSEST)
        best, match = _refine(
            pyramid[scale], pyramid_other[scale], warps[scale], best, fine_step, reach, config
        )
        best = settle(best, config.smooth_spread)
    return SweepEvidence(best, match, enlarge(margin, COARSEST, best.shape))


def _sweep(
    gray: Float[Tensor, "h w"],
    gray_j: Float[Tensor, "hj wj"],
    warp: Warp,
    inverse_depth_range: tuple[float, float],
    config: SweepConfig,
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"], float]:
    """The best inverse depth, by how much it beats the next unlike it, and the step between two."""
    count = _count(warp, inverse_depth_range, config)
    levels = torch.linspace(*inverse_depth_range, count, device=gray.device)
    noise = config.noise / 255
    ref = reference_patches(gray, config.window_px, noise)
    score = correlation(ref, gray_j, warp, levels[:, None, None], config.window_px, noise)
    cost = 1 - score.clamp_min(0)
    cost = smooth(cost, gray, config.small_step, config.large_step, config.edge / 255)
    best, index = cost.min(dim=0, keepdim=True)
    near = (torch.arange(count, device=gray.device)[:, None, None] - index).abs() <= config.rival_steps
    margin = cost.masked_fill(near, torch.inf).amin(dim=0) - best[0]
    step = float(levels[1] - levels[0])
    return levels[0] + step * (index[0] + _peak_offset(-cost, index)), margin, step


def _count(warp: Warp, inverse_depth_range: tuple[float, float], config: SweepConfig) -> int:
    """Enough hypotheses for steps of one pixel at the coarsest size, within those allowed."""
    ends = torch.tensor(inverse_depth_range, device=warp.at_infinity.device)
    xy, _ = warp.locate(ends[:, None, None])
    motion = (xy.diff(dim=0)[0] * torch.tensor(warp.px, device=xy.device)).norm(dim=-1) / COARSEST
    motion = motion[(warp.depth_ratio(ends[:, None, None]) > 0).all(dim=0)]
    pixels = float(motion.quantile(config.motion_quantile)) if len(motion) else 0.0
    most = config.hypotheses
    return int(np.clip(np.ceil(pixels) + 1, min(config.min_hypotheses, most), most))


def _refine(
    gray: Float[Tensor, "h w"],
    gray_j: Float[Tensor, "hj wj"],
    warp: Warp,
    coarse: Float[Tensor, "hc wc"],
    step: float,
    reach: int,
    config: SweepConfig,
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"]]:
    """Sub-step inverse depth and its correlation, searched about the best of the estimates around."""
    noise = config.noise / 255
    ref = reference_patches(gray, config.window_px, noise)
    base = enlarge(coarse, 2, gray.shape)
    nearest = extremes(coarse, gray.shape)
    candidates = torch.cat([base[None], nearest])
    score = correlation(ref, gray_j, warp, candidates, config.window_px, noise)
    score[0] += config.smooth_bonus
    base = candidates.gather(0, score.max(dim=0, keepdim=True).indices)
    steps = torch.arange(-reach, reach + 1, device=gray.device)[:, None, None] * step
    score = correlation(ref, gray_j, warp, base + steps, config.window_px, noise)
    best = score.amax(dim=0, keepdim=True)
    score = box_mean(score, config.window_px)
    index = score.max(dim=0, keepdim=True).indices
    offset = index[0] - reach + _peak_offset(score, index)
    return (base[0] + step * offset).clamp_min(0), best[0]


def _peak_offset(score: Float[Tensor, "d h w"], index: Tensor) -> Float[Tensor, "h w"]:
    """Where a parabola through the best of the scores and its neighbours peaks, in (-0.5, 0.5)."""
    last = len(score) - 1
    left = score.gather(0, (index - 1).clamp_min(0))[0]
    right = score.gather(0, (index + 1).clamp_max(last))[0]
    bend = 2 * score.gather(0, index)[0] - left - right
    offset = 0.5 * (right - left) / bend.clamp_min(1e-6)
    interior = (index[0] > 0) & (index[0] < last)
    return torch.where(interior, offset.clamp(-0.5, 0.5), 0.0)
