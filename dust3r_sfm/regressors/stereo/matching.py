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
    rows, nearest = _distinctive(descriptors_i, descriptors_j, max_ratio)
    # Only what passes the ratio test is worth looking for the other way round.
    columns, place = torch.unique(nearest, return_inverse=True)
    mutual = _nearest(descriptors_j[columns], descriptors_i)[place] == rows
    return torch.stack([rows[mutual], nearest[mutual]], dim=1).cpu().numpy()


def _distinctive(
    descriptors_i: Float[torch.Tensor, "n d"], descriptors_j: Float[torch.Tensor, "m d"], max_ratio: float
) -> tuple[Int[torch.Tensor, " k"], Int[torch.Tensor, " k"]]:
    """Rows that pass the ratio test, and their nearest. Which column is the greatest costs more to find
    than how great it is, so it is asked for the few rows that pass only."""
    rows, nearest = [], []
    for start, part in enumerate(descriptors_i.split(ROWS_AT_ONCE)):
        similarity = part @ descriptors_j.T
        best = similarity.amax(dim=1)
        at_best = similarity >= best[:, None]
        second = similarity.masked_fill(at_best, -1.0).amax(dim=1)
        second = torch.where(at_best.sum(dim=1) > 1, best, second)
        angle, second_angle = (torch.arccos(value.clamp(-1.0, 1.0)) for value in (best, second))
        passed = torch.nonzero(angle < max_ratio * second_angle)[:, 0]
        rows.append(passed + start * ROWS_AT_ONCE)
        nearest.append(similarity[passed].argmax(dim=1))
    return torch.cat(rows), torch.cat(nearest)


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
