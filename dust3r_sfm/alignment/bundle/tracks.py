"""Multi-view tracks out of pairwise correspondences."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.types import Correspondences, Pair


@dataclass(frozen=True)
class Observations:
    """Which point each view sees where, one row an observation, sorted by point and then by view. A
    point is in a view at most once and in two views at least."""

    point_index: Int[np.ndarray, " o"]
    view_index: Int[np.ndarray, " o"]
    pixels: Float[np.ndarray, "o 2"]

    @property
    def num_points(self) -> int:
        return int(self.point_index[-1]) + 1 if len(self.point_index) else 0


def observations_from_correspondences(correspondences: Mapping[Pair, Correspondences]) -> Observations:
    """Merges matches that share a pixel of a view exactly (in float32), over all pairs. Where two places
    of one view end up in one track, at least one match is wrong: that view's places are left out.
    Some 100 bytes a match."""
    pairs = [(pair, found) for pair, found in sorted(correspondences.items()) if len(found)]
    if not pairs:
        return Observations(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2)))
    ends = np.array([view for pair, _ in pairs for view in (pair.i, pair.j)])
    sides = [pixels for _, found in pairs for pixels in (found.pixels_i, found.pixels_j)]
    place_of_side: list[Int[np.ndarray, " n"]] = [np.zeros(0, np.int64)] * len(sides)
    views, pixels = [], []
    count = 0
    for view in np.unique(ends).tolist():
        mine = np.flatnonzero(ends == view).tolist()
        places, place_of_row = np.unique(np.concatenate([_pack(sides[k]) for k in mine]), return_inverse=True)
        parts = np.split(place_of_row.ravel() + count, np.cumsum([len(sides[k]) for k in mine])[:-1])
        for side, part in zip(mine, parts, strict=True):
            place_of_side[side] = part
        views.append(np.full(len(places), view))
        pixels.append(_unpack(places))
        count += len(places)
    joined = np.concatenate(place_of_side[0::2]), np.concatenate(place_of_side[1::2])
    track = label_components(*joined, count)
    view_of_place = np.concatenate(views)
    return compact(track, view_of_place, np.concatenate(pixels), _find_alone(track, view_of_place))


def _pack(pixels: Float[np.ndarray, "n 2"]) -> UInt64[np.ndarray, " n"]:
    """Both coordinates in one number, which sorts as they do (they are not negative)."""
    bits = np.ascontiguousarray(pixels, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return bits[:, 0] << np.uint64(32) | bits[:, 1]


def _unpack(places: UInt64[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    bits = np.stack([places >> np.uint64(32), places & np.uint64(0xFFFFFFFF)], axis=1)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def _find_alone(track: Int[np.ndarray, " o"], view: Int[np.ndarray, " o"]) -> Bool[np.ndarray, " o"]:
    """Places that are the only one of their view in their track."""
    _, inverse, counts = np.unique(
        track * (int(view.max()) + 1) + view, return_inverse=True, return_counts=True
    )
    return counts[inverse.ravel()] == 1


def compact(
    point: Int[np.ndarray, " o"],
    view: Int[np.ndarray, " o"],
    pixels: Float[np.ndarray, "o 2"],
    keep: Bool[np.ndarray, " o"],
) -> Observations:
    """The kept observations of points that still have two, renumbered and sorted."""
    counts = np.bincount(point[keep], minlength=int(point.max(initial=-1)) + 1)
    rows = np.flatnonzero(keep & (counts[point] >= 2))
    rows = rows[np.lexsort((view[rows], point[rows]))]
    number = np.unique(point[rows], return_inverse=True)[1].ravel()
    return Observations(number, view[rows], pixels[rows])
