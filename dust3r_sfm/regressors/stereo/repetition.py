"""Photos of things that repeat, whose matches show the same surface in two places at once.

Of equal windows each looks like its neighbour, so matches form two groups or more: the true one and others
shifted by a window. Each group fits a homography; epipolar geometry even fits several at once, and takes
the shift for parallax. What gives them away is that the groups lie on one another: real surfaces lie beside
each other in a photo (on repetition in photos: C. Wu, J.-M. Frahm and M. Pollefeys, "Detecting large
repetitive structures with salient boundaries", ECCV 2010)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Bool, Float, Int

from dust3r_sfm.geometry.colmap.options import two_view_ransac_options
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig
from dust3r_sfm.types import Correspondences, Pair, View


@dataclass(frozen=True)
class RepetitionConfig:
    """When a view's pairs are not believed because what they show repeats."""

    cells: int = 24
    """Cells along the long edge: matches of two groups in one cell lie on one another."""
    min_doubled: int = 50
    """Matches of the second group that lie on the first. Trees and fences that a car drives past give up to
    40: there, a second plane is behind the first indeed."""
    min_doubled_share: float = 0.15
    """Over the matches of the first. A facade of equal windows has .14 to .5 in most pairs; photos of the
    real sets of docs/benchmarks.md under .1 in most, and up to .3 in one pair of ten."""
    min_set_share: float = 0.4
    """Matches of a set in such pairs, over all of its matches, for it to be one of things that repeat: a
    facade of equal windows has .75, streets that a car drives through up to .25, all other real sets under
    .2."""
    min_view_share: float = 0.25
    """The same of a view in such a set, for its pairs not to be believed."""
    most_matches: int = 1000
    """Of a pair that are looked at."""


def repeating_pairs(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    pairs: Sequence[Pair],
    two_view: TwoViewConfig,
    config: RepetitionConfig,
) -> frozenset[Pair]:
    """Pairs with a view that sees mostly what repeats. Costs two homographies a pair."""

    def groups_of(pair: Pair) -> tuple[int, int]:
        centred = [
            (pixels - principal_point(views[view])) * features[view].resolution
            for pixels, view in ((matches[pair].pixels_i, pair.i), (matches[pair].pixels_j, pair.j))
        ]
        edges = [max(views[view].size) * features[view].resolution for view in (pair.i, pair.j)]
        return count_doubled_matches(centred[0], centred[1], (edges[0], edges[1]), two_view, config)

    total, doubled = np.zeros(len(views)), np.zeros(len(views))
    for pair, (first, second) in zip(pairs, in_threads(groups_of, pairs), strict=True):
        ends = [pair.i, pair.j]
        total[ends] += first
        if second >= max(config.min_doubled, config.min_doubled_share * first):
            doubled[ends] += first
    if doubled.sum() < config.min_set_share * max(total.sum(), 1.0):
        return frozenset()
    repeats = doubled > config.min_view_share * np.maximum(total, 1.0)
    return frozenset(pair for pair in pairs if repeats[pair.i] or repeats[pair.j])


def count_doubled_matches(
    pixels_i: Float[np.ndarray, "n 2"],
    pixels_j: Float[np.ndarray, "n 2"],
    long_edges: tuple[float, float],
    two_view: TwoViewConfig,
    config: RepetitionConfig,
) -> tuple[int, int]:
    """Matches of the homography that most agree on, and those of the next one that lie on them in either
    photo. Pixels of the searched pictures, of which `long_edges` are long."""
    rows = np.linspace(0, len(pixels_i) - 1, min(len(pixels_i), config.most_matches)).astype(np.int64)
    first = _homography_inliers(pixels_i, pixels_j, rows, two_view)
    second = _homography_inliers(pixels_i, pixels_j, np.setdiff1d(rows, first), two_view)
    if not len(first) or not len(second):
        return len(first), 0
    on_first = np.zeros(len(second), dtype=bool)
    for pixels, edge in ((pixels_i, long_edges[0]), (pixels_j, long_edges[1])):
        on_first |= _in_cells_of(pixels[second], pixels[first], edge / config.cells)
    return len(first), int(on_first.sum())


def _homography_inliers(
    pixels_i: Float[np.ndarray, "n 2"],
    pixels_j: Float[np.ndarray, "n 2"],
    rows: Int[np.ndarray, " k"],
    two_view: TwoViewConfig,
) -> Int[np.ndarray, " m"]:
    if len(rows) < two_view.min_inliers:
        return rows[:0]
    options = two_view_ransac_options(two_view.max_error_px, two_view.seed)
    found = pycolmap.estimate_homography_matrix(pixels_i[rows], pixels_j[rows], options)
    return rows[:0] if found is None else rows[np.asarray(found["inlier_mask"], dtype=bool)]


def _in_cells_of(
    pixels: Float[np.ndarray, "n 2"], others: Float[np.ndarray, "m 2"], side: float
) -> Bool[np.ndarray, " n"]:
    """Whether each pixel lies in a square cell with one of the others."""
    both = np.floor(np.concatenate([others, pixels]) / side).astype(np.int64)
    cell = np.unique(both, axis=0, return_inverse=True)[1].ravel()
    return np.isin(cell[len(others) :], cell[: len(others)])
