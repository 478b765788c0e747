"""Depth of both images of a pair with known cameras, coarse to fine.

At quarter size every pixel tries the whole range of inverse depths, smoothed semi-globally; at half
and full size it picks among the estimates around it and tries a few steps about the pick.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.regressors.plane_sweep.confidence import Evidence, confidence
from dust3r_sfm.regressors.plane_sweep.matching_cost import correlation, reference
from dust3r_sfm.regressors.plane_sweep.semi_global import smooth
from dust3r_sfm.regressors.plane_sweep.warp import Warp, make_warp
from dust3r_sfm.types import Camera, ConfidenceArray, Rigid

_COARSEST = 4


@dataclass(frozen=True)
class SweepConfig:
    """`hypotheses`: most inverse depths tried at quarter size (fewer where less motion is at stake).
    `window`: side of the correlation window in pixels, odd. `noise`: deviation of grey values, of
    255, below which texture is not trusted. `small_step`, `large_step`, `edge`: smoothing at
    quarter size (costs of 1 - ZNCC; grey values of 255). `refinements`: steps tried to either side
    at half and at full size; a step is half a pixel of that size.
    """

    hypotheses: int = 64
    window: int = 5
    noise: float = 2.0
    small_step: float = 0.05
    large_step: float = 0.5
    edge: float = 10.0
    refinements: tuple[int, int] = (4, 3)


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
    """Depth maps of both images, each in its own camera.

    Ranges are (least, greatest) inverse depth, in units of 1 / |translation of j_from_i|'s unit.
    """
    pyramid_i, pyramid_j = _pyramid(image_i, device), _pyramid(image_j, device)
    i_from_j = invert_rigid(j_from_i)
    with torch.inference_mode():
        warps_i = {s: make_warp(camera_i, camera_j, j_from_i, s, device) for s in pyramid_i}
        warps_j = {s: make_warp(camera_j, camera_i, i_from_j, s, device) for s in pyramid_j}
        found_i = _one_way(pyramid_i, pyramid_j, warps_i, inverse_depth_range_i, config)
        found_j = _one_way(pyramid_j, pyramid_i, warps_j, inverse_depth_range_j, config)
        return (
            _estimate(found_i, found_j, warps_i[1], warps_j[1]),
            _estimate(found_j, found_i, warps_j[1], warps_i[1]),
        )


def _estimate(found: Evidence, other: Evidence, warp: Warp, back: Warp) -> DepthEstimate:
    trust = confidence(found, other, warp, back)
    depth = torch.where(found.inverse_depth > 0, 1 / found.inverse_depth, 0.0)
    return DepthEstimate(depth.cpu().numpy(), trust.cpu().numpy())


def _pyramid(image: UInt8[np.ndarray, "h w 3"], device: torch.device) -> dict[int, Float[Tensor, "_h _w"]]:
    """Grey values, of 1 and about zero, at 1 / scale of the size, rounded up."""
    luma = torch.tensor([0.299, 0.587, 0.114], device=device) / 255
    gray = torch.tensor(image, device=device).float() @ luma - 0.5
    levels = {1: gray}
    for scale in (2, _COARSEST):
        finer = levels[scale // 2][None, None]
        levels[scale] = avg_pool2d(finer, 2, ceil_mode=True, count_include_pad=False)[0, 0]
    return levels


def _one_way(
    pyramid: dict[int, Float[Tensor, "_h _w"]],
    pyramid_other: dict[int, Float[Tensor, "_h _w"]],
    warps: dict[int, Warp],
    inverse_depth_range: tuple[float, float],
    config: SweepConfig,
) -> Evidence:
    coarse, margin, step = _sweep(
        pyramid[_COARSEST], pyramid_other[_COARSEST], warps[_COARSEST], inverse_depth_range, config
    )
    for scale, reach in zip((2, 1), config.refinements, strict=True):
        step /= 4 if scale == 2 else 2
        coarse, match = _refine(
            pyramid[scale], pyramid_other[scale], warps[scale], coarse, step, reach, config
        )
        coarse = median3(coarse)
    margin = _enlarge(margin, coarse.shape)
    return Evidence(coarse, match, margin)


def _sweep(
    gray: Float[Tensor, "h w"],
    gray_j: Float[Tensor, "hj wj"],
    warp: Warp,
    inverse_depth_range: tuple[float, float],
    config: SweepConfig,
) -> tuple[Float[Tensor, "h w"], Float[Tensor, "h w"], float]:
    """The best inverse depth, by how much it beats the next unlike it, and the step between two."""
    count = _count(warp, inverse_depth_range, config.hypotheses)
    levels = torch.linspace(*inverse_depth_range, count, device=gray.device)
    noise = config.noise / 255
    ref = reference(gray, config.window, noise)
    score = correlation(ref, gray_j, warp, levels[:, None, None], config.window, noise)
    cost = 1 - score.clamp_min(0)
    cost = smooth(cost, gray, config.small_step, config.large_step, config.edge / 255)
    best, index = cost.min(dim=0, keepdim=True)
    near = (torch.arange(count, device=gray.device)[:, None, None] - index).abs() <= 2
    margin = cost.masked_fill(near, 2.0).amin(dim=0) - best[0]
    step = float(levels[1] - levels[0])
    return levels[0] + step * (index[0] + _peak_offset(-cost, index)), margin, step


def _count(warp: Warp, inverse_depth_range: tuple[float, float], most: int) -> int:
    """Enough hypotheses for steps of one pixel at the coarsest size, within [16, most]."""
    ends = torch.tensor(inverse_depth_range, device=warp.epipole.device)
    x, y, z = warp.coordinates(ends[:, None, None])
    motion = torch.hypot(x.diff(dim=0)[0] * warp.px[0], y.diff(dim=0)[0] * warp.px[1]) / _COARSEST
    motion = motion[(z > 0).all(dim=0)]
    pixels = float(motion.quantile(0.9)) if len(motion) else 0.0
    return int(np.clip(np.ceil(pixels) + 1, min(16, most), most))


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
    ref = reference(gray, config.window, noise)
    base = _enlarge(coarse, gray.shape)
    nearest = _extremes(coarse, gray.shape)
    candidates = torch.cat([base[None], nearest])
    score = correlation(ref, gray_j, warp, candidates, config.window, noise)
    score[0] += 0.05
    base = candidates.gather(0, score.argmax(dim=0, keepdim=True))
    steps = torch.arange(-reach, reach + 1, device=gray.device)[:, None, None] * step
    score = correlation(ref, gray_j, warp, base + steps, config.window, noise)
    best, index = score.max(dim=0, keepdim=True)
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


def _enlarge(values: Float[Tensor, "h w"], shape: torch.Size) -> Float[Tensor, "_h _w"]:
    factor = -(-shape[0] // values.shape[0])
    larger = interpolate(values[None, None], scale_factor=factor, mode="bilinear", align_corners=False)
    return larger[0, 0, : shape[0], : shape[1]]


def _extremes(coarse: Float[Tensor, "h w"], shape: torch.Size) -> Float[Tensor, "2 _h _w"]:
    """Least and greatest of the 3 x 3 estimates around, enlarged."""
    both = max_pool2d(torch.stack([-coarse, coarse])[:, None], 3, stride=1, padding=1)
    larger = interpolate(both, scale_factor=2, mode="nearest")[:, 0, : shape[0], : shape[1]]
    return torch.stack([-larger[0], larger[1]])


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
