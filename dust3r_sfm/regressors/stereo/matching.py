"""Mutual nearest neighbours of SIFT descriptors that pass the ratio test."""

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.types import Correspondences

ROWS_AT_ONCE = 256
"""Rows of the similarity matrix that are looked at together: few enough to stay in the cache."""
SIFT_UNIT = 512.0
"""SIFT descriptors are unit vectors stored as round(512 v)."""


def match_descriptors(
    descriptors_i: Float[torch.Tensor, "n d"], descriptors_j: Float[torch.Tensor, "m d"], max_ratio: float
) -> Int[np.ndarray, "k 2"]:
    """Index pairs (in i, in j) of unit descriptors: each the other's nearest by angle, and nearer than
    `max_ratio` times the second nearest in j (Lowe 2004, section 7.1). O(n m) time, O(n + m) memory."""
    if len(descriptors_i) == 0 or len(descriptors_j) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    two_best, nearest = [], []
    best_of_j = descriptors_j.new_full((len(descriptors_j),), -1.0)
    for part in descriptors_i.split(ROWS_AT_ONCE):
        similarity = part @ descriptors_j.T
        found = similarity.topk(2, dim=1)
        two_best.append(found.values)
        nearest.append(found.indices[:, 0])
        best_of_j = torch.maximum(best_of_j, similarity.amax(dim=0))
    best, second = torch.cat(two_best).T
    column = torch.cat(nearest)
    angle, second_angle = (torch.arccos(value.clamp(-1.0, 1.0)) for value in (best, second))
    rows = torch.nonzero((angle < max_ratio * second_angle) & (best >= best_of_j[column]))[:, 0]
    return torch.stack([rows, column[rows]], dim=1).cpu().numpy()


def unit_descriptors(stored: np.ndarray, device: torch.device) -> Float[torch.Tensor, "n d"]:
    return torch.from_numpy(stored).to(device).float() / SIFT_UNIT


def distinct(matches: Correspondences) -> Correspondences:
    """Without repeats: SIFT describes one place once for each orientation it has, and such twins would
    count as several witnesses of one match."""
    rows = np.concatenate([matches.pixels_i, matches.pixels_j], axis=1)
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return Correspondences(matches.pixels_i[first], matches.pixels_j[first], matches.weights[first])
