"""The published objective (S. Wang et al., "DUSt3R: geometric 3D vision made easy", CVPR 2024, section 3.4).

    sum_e sum_v in e  1 / A_v  sum_p  w(C_p) d(world point of p in v,  s_e (R_e X_p + t_e))

over directed pairs e = (i, j), both of their views and all pixels; A_i is the number of pixels that all
pairs have of their first view, A_j of their second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from dust3r_sfm.alignment.gradient.config import Distance, GradientConfig, Weighting
from dust3r_sfm.alignment.gradient.parameters import (
    Parameters,
    edges_of,
    points_of_pairs,
    points_of_views,
)
from dust3r_sfm.geometry import pixel_grid
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.types import PairPrediction, View

BYTES_A_PIXEL_AND_PAIR = 500
"""That the descent takes: predictions, their copies, and what autograd keeps."""


@dataclass(frozen=True)
class Maps:
    """The pairs of one component, padded with weight 0 to the largest view. `pixels` are relative to the
    principal points; `area_i`, `area_j` count pixels."""

    tail: Int[Tensor, " e"]
    head: Int[Tensor, " e"]
    points_i: Float[Tensor, "e p 3"]
    points_j: Float[Tensor, "e p 3"]
    weights_i: Float[Tensor, "e p"]
    weights_j: Float[Tensor, "e p"]
    pixels: Float[Tensor, "n p 2"]
    area_i: int
    area_j: int


def _weights(confidence: Float[Tensor, "e p"], kind: Weighting) -> Float[Tensor, "e p"]:
    """Of confidences that are 0 where there is no pixel."""
    there = confidence > 0
    if kind == "log":
        return torch.where(there, torch.log(confidence.clamp_min(1e-12)), 0.0)
    if kind == "minus_one":
        return torch.where(there, confidence - 1.0, 0.0)
    return torch.sqrt(confidence) if kind == "sqrt" else confidence


def _pad(maps: Sequence[np.ndarray], size: int, device: str) -> Tensor:
    flat = [values.reshape(-1, *values.shape[2:]) for values in maps]
    out = np.zeros((len(flat), size, *flat[0].shape[1:]), np.float32)
    for row, values in zip(out, flat, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(out).to(device)


def stack_maps(views: Sequence[View], predictions: Sequence[PairPrediction], config: GradientConfig) -> Maps:
    """Masked pixels, and points that are not finite, weigh nothing. `Pair`s count in `views`."""
    size = max(view.image.shape[0] * view.image.shape[1] for view in views)
    tail, head = edges_of([(p.pair.i, p.pair.j) for p in predictions], config.device)
    points_i = _pad([p.points_i for p in predictions], size, config.device)
    points_j = _pad([p.points_j for p in predictions], size, config.device)
    confidence_i = [_confidence(p.confidence_i, views[p.pair.i]) for p in predictions]
    confidence_j = [_confidence(p.confidence_j, views[p.pair.j]) for p in predictions]
    weights_i = _weights(_pad(confidence_i, size, config.device), config.weighting)
    weights_j = _weights(_pad(confidence_j, size, config.device), config.weighting)
    finite_i, finite_j = points_i.isfinite().all(-1), points_j.isfinite().all(-1)
    pixels = [pixel_grid(*v.image.shape[:2]) - principal_point(v) for v in views]
    return Maps(
        tail,
        head,
        torch.where(finite_i[..., None], points_i, 0.0),
        torch.where(finite_j[..., None], points_j, 0.0),
        torch.where(finite_i, weights_i, 0.0),
        torch.where(finite_j, weights_j, 0.0),
        _pad(pixels, size, config.device),
        sum(p.confidence_i.size for p in predictions),
        sum(p.confidence_j.size for p in predictions),
    )


def _confidence(confidence: Float[np.ndarray, "h w"], view: View) -> Float[np.ndarray, "h w"]:
    return confidence if view.mask is None else np.where(view.mask, confidence, 0.0)


def _distance(difference: Float[Tensor, "e p 3"], kind: Distance) -> Float[Tensor, "e p"]:
    """The norm has no gradient at 0, where torch's is defined as 0."""
    return torch.linalg.vector_norm(difference, dim=-1) if kind == "l1" else (difference**2).sum(dim=-1)


def _misses(
    values: Parameters, maps: Maps, base_scale: float | None
) -> tuple[Float[Tensor, "e p 3"], Float[Tensor, "e p 3"]]:
    """From where pairs have their points to where the views have them, in the world."""
    world = points_of_views(values, maps.pixels)
    return (
        world[maps.tail] - points_of_pairs(values, maps.points_i, base_scale),
        world[maps.head] - points_of_pairs(values, maps.points_j, base_scale),
    )


def median_miss(values: Parameters, maps: Maps, base_scale: float | None) -> float:
    """Distance in the world between both, over all points that count. nan where none does."""
    both = zip(_misses(values, maps, base_scale), (maps.weights_i, maps.weights_j), strict=True)
    parts = [torch.linalg.vector_norm(miss, dim=-1)[weights > 0] for miss, weights in both]
    return float(torch.cat(parts).median())


def objective(
    values: Parameters, maps: Maps, distance: Distance, base_scale: float | None
) -> Float[Tensor, ""]:
    miss_i, miss_j = _misses(values, maps, base_scale)
    total_i = (maps.weights_i * _distance(miss_i, distance)).sum()
    total_j = (maps.weights_j * _distance(miss_j, distance)).sum()
    return total_i / maps.area_i + total_j / maps.area_j
