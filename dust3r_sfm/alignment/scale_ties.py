"""How each edge's depths of its two views compare with what all edges say of these views."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.averaging import MIN_COMMON_SAMPLES
from dust3r_sfm.alignment.edges import Edges
from dust3r_sfm.geometry import invert_rigid

LEAST_SPREAD = 1e-4


@dataclass(frozen=True)
class ScaleTies:
    """At an edge's tail and head: `offset` is the median of log(depth in the edge's scale) less the
    view's consensus, `sigma` its standard deviation; `known` where there is enough in common."""

    offset: Float[np.ndarray, "e 2"]
    sigma: Float[np.ndarray, "e 2"]
    known: Bool[np.ndarray, "e 2"]


def scale_ties(
    edges: Edges, cam_from_world: Float[np.ndarray, "n 4 4"], log_scale: Float[np.ndarray, " e"]
) -> ScaleTies:
    """Consensus is, for each sample of a view, the median over its edges of the log depth in the world.

    sigma is the statistical spread of the median and, on top, the spread of the ties themselves:
    errors that all samples of a pair have in common.
    """
    logs = _log_depths(edges, cam_from_world, log_scale)
    views = np.stack([edges.tail, edges.head], axis=-1)
    offset, sigma = np.zeros(views.shape), np.ones(views.shape)
    known = np.zeros(views.shape, dtype=bool)
    for view in range(len(cam_from_world)):
        row, end = np.nonzero(views == view)
        if len(row) < 2:
            continue
        world = logs[row, end] + log_scale[row, None]
        covered = np.isfinite(world).sum(axis=0) >= 2
        consensus = np.full(world.shape[1], np.nan)
        consensus[covered] = np.nanmedian(world[:, covered], axis=0)
        own = world - consensus
        counts = np.isfinite(own).sum(axis=1)
        enough = counts >= MIN_COMMON_SAMPLES
        row, end, own, counts = row[enough], end[enough], own[enough], counts[enough]
        middle = np.nanmedian(own, axis=1)
        offset[row, end] = middle - log_scale[row]
        sigma[row, end] = 1.86 * np.nanmedian(np.abs(own - middle[:, None]), axis=1) / np.sqrt(counts)
        known[row, end] = True
    residual = np.abs(offset + log_scale[:, None])[known]
    shared = 1.4826 * float(np.median(residual)) if residual.size else 0.0
    return ScaleTies(offset, np.sqrt(sigma**2 + shared**2 + LEAST_SPREAD**2), known)


def _log_depths(
    edges: Edges, cam_from_world: Float[np.ndarray, "n 4 4"], log_scale: Float[np.ndarray, " e"]
) -> Float[np.ndarray, "e 2 samples"]:
    """log z in each edge's own scale of its samples of i, and of j by the present poses; NaN if unknown."""
    j_from_i = cam_from_world[edges.head] @ invert_rigid(cam_from_world[edges.tail])
    shift = j_from_i[:, 2, 3] * np.exp(-log_scale)
    depth_j = (edges.points_j @ j_from_i[:, 2, :3, None])[..., 0] + shift[:, None]
    depth = np.stack([edges.depth_i.astype(np.float64), depth_j], axis=1)
    known = (np.stack([edges.weights_i, edges.weights_j], axis=1) > 0) & (depth > 0)
    return np.where(known, np.log(np.where(known, depth, 1.0)), np.nan)
