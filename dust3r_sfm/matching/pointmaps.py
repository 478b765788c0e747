"""Matches of two pointmaps in one frame: pixels whose points are each other's nearest in space."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from dust3r_sfm.matching.config import MatchingConfig
from dust3r_sfm.matching.found import choose_evenly, correspondences_at
from dust3r_sfm.matching.reciprocal import Nearest, reciprocal_matches, seeds_among
from dust3r_sfm.matching.subpixel import subpixel_shift
from dust3r_sfm.types import Correspondences


def match_pointmaps(
    points_i: Float[Tensor, "h w 3"],
    points_j: Float[Tensor, "hj wj 3"],
    confidence_i: Float[Tensor, "h w"],
    confidence_j: Float[Tensor, "hj wj"],
    config: MatchingConfig,
) -> Correspondences:
    """Both pointmaps are in camera i's frame. Confident points only, and only matches that are near each
    other for their distance from the camera: nearest there is always one. With
    `config.subpixel` pixels of j lie between its centres."""
    usable_i = _usable(points_i, confidence_i, config.point_confidence)
    usable_j = _usable(points_j, confidence_j, config.point_confidence)
    known_i, known_j = points_i[usable_i].float(), points_j[usable_j].float()
    if len(known_i) == 0 or len(known_j) == 0:
        empty = torch.zeros(0, dtype=torch.long)
        return correspondences_at(empty, empty, (1, 1), torch.zeros(0))
    in_i, in_j = reciprocal_matches(
        seeds_among(usable_i, config.stride),
        seeds_among(usable_j, config.stride),
        _nearest_among(known_j, known_i, config),
        _nearest_among(known_i, known_j, config),
        config.rounds,
    )
    apart = torch.linalg.vector_norm(known_i[in_i] - known_j[in_j], dim=1)
    near = apart <= config.point_distance * torch.linalg.vector_norm(known_i[in_i], dim=1)
    near = torch.nonzero(near)[:, 0]
    near = near[choose_evenly(len(near), config.most, near.device)]
    at_i = torch.nonzero(usable_i.flatten())[:, 0][in_i[near]]
    at_j = torch.nonzero(usable_j.flatten())[:, 0][in_j[near]]
    confidence = (confidence_i.flatten()[at_i] * confidence_j.flatten()[at_j]).float().sqrt()
    found = correspondences_at(at_i, at_j, (points_i.shape[1], points_j.shape[1]), confidence)
    if not config.subpixel:
        return found
    shift = subpixel_shift(points_j.float(), usable_j, at_j, known_i[in_i[near]])
    return replace(found, pixels_j=found.pixels_j + shift.cpu().numpy())


def _usable(
    points: Float[Tensor, "h w 3"], confidence: Float[Tensor, "h w"], least: float
) -> Bool[Tensor, "h w"]:
    return torch.isfinite(points).all(dim=-1) & (confidence >= least)


def _nearest_among(
    targets: Float[Tensor, "m 3"], sources: Float[Tensor, "n 3"], config: MatchingConfig
) -> Nearest:
    """On the CPU a tree is much faster than all distances, on a GPU it is the other way round."""
    if targets.device.type != "cpu":
        rows = config.rows_at_once(len(targets), targets.device)
        return lambda index: nearest_by_distance(sources[index], targets, rows)
    tree, points = cKDTree(targets.numpy()), sources.numpy()
    workers = torch.get_num_threads()
    return lambda index: torch.from_numpy(tree.query(points[index.numpy()], workers=workers)[1])


def nearest_by_distance(
    queries: Float[Tensor, "n 3"], targets: Float[Tensor, "m 3"], rows: int
) -> Int[Tensor, " n"]:
    """Rows of `targets` nearest to the queries, out of all distances; `rows` of the queries at once."""
    # Distances by way of scalar products are too coarse to tell neighbouring pixels apart.
    mode = "donot_use_mm_for_euclid_dist"
    distances = (torch.cdist(part, targets, compute_mode=mode) for part in queries.split(rows))
    return torch.cat([table.argmin(dim=1) for table in distances])
