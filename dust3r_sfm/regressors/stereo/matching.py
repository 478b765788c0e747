"""Mutual nearest neighbours of SIFT descriptors that pass the ratio test."""

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.types import Correspondences

ROWS_AT_ONCE = 512
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
    nearest, ratio = _nearest_in_j(descriptors_i, descriptors_j)
    rows = torch.nonzero(ratio < max_ratio)[:, 0]
    # Only what passes the ratio test is worth looking for the other way round.
    columns, place = torch.unique(nearest[rows], return_inverse=True)
    back = _nearest(descriptors_j[columns], descriptors_i)
    mutual = back[place] == rows
    return torch.stack([rows[mutual], nearest[rows[mutual]]], dim=1).cpu().numpy()


def _nearest_in_j(
    descriptors_i: Float[torch.Tensor, "n d"], descriptors_j: Float[torch.Tensor, "m d"]
) -> tuple[Int[torch.Tensor, " n"], Float[torch.Tensor, " n"]]:
    """For each row the index of its nearest, and its angle over the second nearest's."""
    indices, ratios = [], []
    for part in descriptors_i.split(ROWS_AT_ONCE):
        similarity = part @ descriptors_j.T
        best, index = similarity.max(dim=1)
        similarity.scatter_(1, index[:, None], -1.0)
        angle, second = (torch.arccos(value.clamp(-1.0, 1.0)) for value in (best, similarity.amax(dim=1)))
        indices.append(index)
        # Where both fit exactly neither is nearer: the ratio is 1, not 0.
        ratios.append(torch.where(second > 0, angle / second, 1.0))
    return torch.cat(indices), torch.cat(ratios)


def _nearest(
    queries: Float[torch.Tensor, "k d"], descriptors: Float[torch.Tensor, "n d"]
) -> Int[torch.Tensor, " k"]:
    parts = [(part @ descriptors.T).argmax(dim=1) for part in queries.split(ROWS_AT_ONCE)]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64, device=descriptors.device)


def unit_descriptors(stored: np.ndarray, device: torch.device) -> Float[torch.Tensor, "n d"]:
    return torch.from_numpy(stored).to(device).float() / SIFT_UNIT


def distinct(matches: Correspondences) -> Correspondences:
    """Without repeats: SIFT describes one place once for each orientation it has, and such twins would
    count as several witnesses of one match."""
    rows = np.concatenate([matches.pixels_i, matches.pixels_j], axis=1)
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return Correspondences(matches.pixels_i[first], matches.pixels_j[first], matches.weights[first])
