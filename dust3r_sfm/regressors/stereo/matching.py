"""Mutual nearest neighbours of SIFT descriptors that pass the ratio test."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.types import Correspondences

ROWS_AT_ONCE = 256
"""Rows of the similarity matrix that are looked at together: of some thousand columns, few enough to stay in
the cache."""
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
    angle, second_angle = _angle(best), _angle(second)
    rows = torch.nonzero((angle < max_ratio * second_angle) & (best >= best_of_j[column]))[:, 0]
    return torch.stack([rows, column[rows]], dim=1).cpu().numpy()


@dataclass(frozen=True)
class Nearest:
    """For each descriptor of i the row of the nearest in j, and the angle to it over that to the nearest
    elsewhere."""

    row: Int[torch.Tensor, " n"]
    ratio: Float[torch.Tensor, " n"]


def nearest_elsewhere(
    of_i: Float[torch.Tensor, "n d"],
    of_j: Float[torch.Tensor, "m d"],
    where_j: Float[torch.Tensor, "m 2"],
    elsewhere_px: float,
    runners_up: int,
) -> Nearest:
    """For features that come several to a place: `where_j` are pixels, and the runner-up of the ratio test is
    the nearest that lies farther than `elsewhere_px` from the best, if it is among the `runners_up` nearest.
    O(n m) time, O(n + m) memory."""
    ratios, rows = [], []
    for part in of_i.split(ROWS_AT_ONCE):
        best, candidates = (part @ of_j.T).topk(min(runners_up, len(of_j)), dim=1)
        places = where_j[candidates]
        elsewhere = torch.linalg.norm(places - places[:, :1], dim=2) > elsewhere_px
        # Where all that were looked at lie there, the last of them is a bound.
        second = torch.where(elsewhere, best, best[:, -1:]).amax(dim=1)
        ratios.append(_angle(best[:, 0]) / _angle(second))
        rows.append(candidates[:, 0])
    return Nearest(torch.cat(rows), torch.cat(ratios))


def nearest(of_i: Float[torch.Tensor, "n d"], of_j: Float[torch.Tensor, "m d"]) -> Int[torch.Tensor, " n"]:
    """For each descriptor of i the row of the nearest in j. O(n m) time, O(n + m) memory."""
    return torch.cat([(part @ of_j.T).argmax(dim=1) for part in of_i.split(ROWS_AT_ONCE)])


def _angle(cosine: Float[torch.Tensor, " n"]) -> Float[torch.Tensor, " n"]:
    return torch.arccos(cosine.clamp(-1.0, 1.0))


def unit_descriptors(stored: np.ndarray, device: torch.device) -> Float[torch.Tensor, "n d"]:
    return torch.from_numpy(stored).to(device).float() / SIFT_UNIT


def drop_repeats(matches: Correspondences) -> Correspondences:
    """Without repeats: SIFT describes one place once for each orientation it has, and such twins would
    count as several witnesses of one match."""
    rows = np.concatenate([matches.pixels_i, matches.pixels_j], axis=1)
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    return Correspondences(matches.pixels_i[first], matches.pixels_j[first], matches.weights[first])
