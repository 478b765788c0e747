"""What all edges together say of the depth at each sample of each view, and how each compares."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.robust import MEDIAN_ERROR_OF_MAD, deviation, known_median


@dataclass(frozen=True)
class Consensus:
    """`log_depth`: the median over edges of the log depth in the world, NaN where no edge has one;
    `shared`: two or more had. For each edge and its view i, `offset` is the median of log(depth in the
    edge's scale) less that, `sigma` its standard deviation, `known` whether there is enough in common.
    """

    log_depth: Float[np.ndarray, "n samples"]
    shared: Bool[np.ndarray, "n samples"]
    offset: Float[np.ndarray, " e"]
    sigma: Float[np.ndarray, " e"]
    known: Bool[np.ndarray, " e"]


def depth_consensus(
    edges: Edges,
    cam_from_world: Float[np.ndarray, "n 4 4"],
    log_scale: Float[np.ndarray, " e"],
    config: RefinementConfig,
) -> Consensus:
    """By the present poses and scales, robust against a minority of wrong edges at every sample."""
    logs_i, logs_j = _log_depths(edges, cam_from_world, log_scale)
    num_views, samples = len(cam_from_world), logs_i.shape[1]
    log_depth = np.full((num_views, samples), np.nan)
    shared = np.zeros((num_views, samples), dtype=bool)
    for view, (out, into) in enumerate(_edges_of_views(edges, num_views)):
        world = np.concatenate([logs_i[out], logs_j[into]])
        log_depth[view] = known_median(world.T)
        shared[view] = np.isfinite(world).sum(axis=0) > 1
    own = np.where(shared[edges.tail], logs_i - log_depth[edges.tail], np.nan)
    offset, sigma, known = _offsets(own, config)
    return Consensus(log_depth, shared, offset - log_scale, sigma, known)


def _edges_of_views(
    edges: Edges, num_views: int
) -> list[tuple[Int[np.ndarray, " a"], Int[np.ndarray, " b"]]]:
    """The edges that lead out of, and into, each view."""
    out, into = np.argsort(edges.tail, kind="stable"), np.argsort(edges.head, kind="stable")
    cuts = np.arange(1, num_views)
    return list(
        zip(
            np.split(out, np.searchsorted(edges.tail[out], cuts)),
            np.split(into, np.searchsorted(edges.head[into], cuts)),
            strict=True,
        )
    )


def _offsets(
    own: Float[np.ndarray, "e samples"], config: RefinementConfig
) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, " e"], Bool[np.ndarray, " e"]]:
    """Median, its spread, and whether there is enough. The spread is the statistical one and, on top,
    that of the medians themselves: errors that all samples of a pair have in common."""
    counts = np.isfinite(own).sum(axis=1)
    known = counts >= config.min_common_samples
    middle, sigma = np.zeros(len(own)), np.ones(len(own))
    if known.any():
        middle[known] = known_median(own[known])
        apart = known_median(np.abs(own[known] - middle[known, None]))
        common = deviation(middle[known])
        sigma[known] = np.sqrt(
            (MEDIAN_ERROR_OF_MAD * apart) ** 2 / counts[known] + common**2 + config.least_depth_spread**2
        )
    return middle, sigma, known


def _log_depths(
    edges: Edges, cam_from_world: Float[np.ndarray, "n 4 4"], log_scale: Float[np.ndarray, " e"]
) -> tuple[Float[np.ndarray, "e samples"], Float[np.ndarray, "e samples"]]:
    """log z in the world of each edge's samples of i and of j, by the present poses; NaN if unknown."""
    scale = np.exp(log_scale)
    j_from_i = cam_from_world[edges.head] @ invert_rigid(cam_from_world[edges.tail])
    turned = (edges.points_j @ j_from_i[:, 2, :3, None])[..., 0]
    depth_i = scale[:, None] * edges.depth_i
    depth_j = scale[:, None] * turned + j_from_i[:, 2, 3, None]
    return _log_known(depth_i, edges.weights_i), _log_known(depth_j, edges.weights_j)


def _log_known(
    depth: Float[np.ndarray, "e samples"], weights: Float[np.ndarray, "e samples"]
) -> Float[np.ndarray, "e samples"]:
    known = (weights > 0) & (depth > 0)
    return np.where(known, np.log(np.where(known, depth, 1.0)), np.nan)
