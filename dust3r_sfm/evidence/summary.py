"""What alignment knows of each pair: a few thousand numbers, so that pointmaps need not be kept.

Every view is sampled at the same fixed pixels in every pair it is in. So the depth two pairs give one
view can be compared cell by cell, and their scales tied by the median ratio.
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.evidence.config import EvidenceConfig
from dust3r_sfm.geometry.focal import focal_from_slopes
from dust3r_sfm.geometry.resampling import nearest_indices
from dust3r_sfm.geometry.transforms import finite_points
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.types import (
    ConfidenceArray,
    Correspondences,
    Pair,
    PairGeometry,
    PairPrediction,
    PointmapArray,
    View,
)

Where = slice | Int[np.ndarray, " k"]


@dataclass(frozen=True, eq=False)
class PairSummary:
    """One directed pair at fixed pixels of each view, `EvidenceConfig.samples` of them; in camera i's frame
    and the pair's own scale; all arrays are float32."""

    pair: Pair
    """Which views, in which order."""
    geometry: PairGeometry
    """What they turned out to show."""
    focal_i: float | None
    """Of view i by the pair's pointmap, in view pixels; None where that has too little to say."""
    focal_spread_i: float
    """Its relative standard deviation, were all pixels independent."""
    depth_i: Float[np.ndarray, " samples"]
    """z of view i's sampled pixels."""
    weights_i: Float[np.ndarray, " samples"]
    """log(confidence) of these, 0 where nothing is known."""
    points_j: Float[np.ndarray, "samples 3"]
    """Where view j's sampled pixels lie."""
    weights_j: Float[np.ndarray, " samples"]
    """log(confidence) of these, 0 where nothing is known."""
    matches: Correspondences
    """Correspondences that are solved with, in continuous view pixels: some of those whose pixel of view i
    has a depth."""
    match_depth_i: Float[np.ndarray, " n"]
    """That depth, one a match."""
    num_correspondences: int
    """The pair's, all of them."""


@functools.lru_cache(maxsize=16)
def sample_indices(height: int, width: int, samples: int) -> Int[np.ndarray, "samples 2"]:
    """(row, column) of fixed pixels spread evenly over an image: all of them if they are few enough
    (the last one repeated), else the low-discrepancy sequence R2 (M. Roberts 2018), any prefix of
    which is spread evenly too. Read-only, as all who ask get the same array."""
    if height * width <= samples:
        flat = np.minimum(np.arange(samples), height * width - 1)
        found = np.stack(np.divmod(flat, width), axis=-1)
    else:
        plastic = 1.324717957244746
        steps = np.arange(1, samples + 1)[:, None] * [1 / plastic, 1 / plastic**2]
        found = np.floor(((0.5 + steps) % 1.0) * [height, width]).astype(np.int64)
    found.setflags(write=False)
    return found


def sample_pixels(view: View, samples: int) -> Float[np.ndarray, "samples 2"]:
    """Continuous pixels of a view that its summaries sample."""
    width, height = view.size
    return sample_indices(height, width, samples)[:, ::-1] + 0.5


def known_pixels(
    points: Float[np.ndarray, "*shape 3"],
    confidence: Float[np.ndarray, "*shape"],
    mask: Bool[np.ndarray, "*shape"] | None,
) -> Bool[np.ndarray, "*shape"]:
    """Where a pointmap knows something: finite points with confidence above 1 that no mask hides."""
    known = finite_points(points) & (confidence > 1.0)
    return known if mask is None else known & mask


@dataclass(frozen=True, eq=False)
class _Pointmap:
    """What a prediction says of one view, looked at only where it is asked: that is a few thousand pixels.
    `own`: in the view's own frame, where points behind it are none."""

    points: PointmapArray
    confidence: ConfidenceArray
    mask: Bool[np.ndarray, "h w"] | None
    own: bool

    def at(
        self, where: tuple[Where, Where]
    ) -> tuple[Float[np.ndarray, "*found 3"], Float[np.ndarray, "*found"]]:
        """Points and confidences of rows and columns; 1 where nothing is known."""
        points, confidence = self.points[where], self.confidence[where]
        known = known_pixels(points, confidence, None if self.mask is None else self.mask[where])
        if self.own:
            known &= points[..., 2] > 0
        return points, np.where(known, confidence, np.float32(1.0))


def _focal(
    pointmap: _Pointmap, centre: Float[np.ndarray, "2"], config: EvidenceConfig
) -> tuple[float | None, float]:
    """Robust focal and its relative spread, on a regular subset of pixels."""
    height, width = pointmap.confidence.shape
    step = max(1, int(np.sqrt(height * width / config.focal_pixels)))
    points, trust = pointmap.at((slice(None, None, step), slice(None, None, step)))
    row, column = np.nonzero(trust > 1.0)
    if len(row) < config.min_focal_points:
        return None, np.inf
    weights = np.log(trust[row, column])
    points_known = points[row, column].astype(np.float64)
    pixels = step * np.stack([column, row], axis=1) + 0.5 - centre
    focal = focal_from_slopes(points_known, pixels, weights, config.focal)
    if focal is None or focal <= 0:
        return None, np.inf
    slopes = points_known[:, :2] / points_known[:, 2:]
    miss = pixels - focal * slopes
    error = np.median(np.hypot(miss[:, 0], miss[:, 1]))
    extent = np.sqrt(len(slopes) * np.median((slopes**2).sum(axis=1)))
    return focal, float(config.focal_spread * error / extent / focal)


def _sample(
    pointmap: _Pointmap, samples: int
) -> tuple[Float[np.ndarray, "samples 3"], Float[np.ndarray, " samples"]]:
    """Points and weights at the fixed pixels; repeated pixels count once."""
    height, width = pointmap.confidence.shape
    row, column = sample_indices(height, width, samples).T
    known, trust = pointmap.at((row, column))
    chosen = np.log(trust)
    chosen[height * width :] = 0.0
    return np.where(chosen[:, None] > 0, known, 0.0).astype(np.float32), chosen.astype(np.float32)


def _matches(
    found: Correspondences | None, pointmap: _Pointmap, limit: int
) -> tuple[Correspondences, Float[np.ndarray, " n"]]:
    """The correspondences whose pixel in i has a depth in its pointmap, evenly thinned to `limit`."""
    if found is None or len(found) == 0:
        empty = np.zeros((0, 2), np.float32)
        return Correspondences(empty, empty, empty[:, 0]), empty[:, 0]
    points, trust = pointmap.at(nearest_indices(found.pixels_i, *pointmap.confidence.shape))
    usable = np.flatnonzero(trust > 1)
    if len(usable) > limit:
        usable = usable[np.linspace(0, len(usable) - 1, limit).round().astype(np.int64)]
    columns = (
        values[usable].astype(np.float32) for values in (found.pixels_i, found.pixels_j, found.weights)
    )
    return Correspondences(*columns), points[usable, 2].astype(np.float32)


def summarise_pair(
    prediction: PairPrediction, view_i: View, view_j: View, config: EvidenceConfig
) -> PairSummary:
    """Reduces one prediction; its pointmaps are not needed afterwards until fusion."""
    seen_i = _Pointmap(prediction.points_i, prediction.confidence_i, view_i.mask, own=True)
    seen_j = _Pointmap(prediction.points_j, prediction.confidence_j, view_j.mask, own=False)
    points_i, sampled_i = _sample(seen_i, config.samples)
    points_j, sampled_j = _sample(seen_j, config.samples)
    matches, match_depth = _matches(prediction.correspondences, seen_i, config.matches)
    focal, focal_spread = _focal(seen_i, principal_point(view_i), config)
    return PairSummary(
        pair=prediction.pair,
        geometry=prediction.geometry,
        focal_i=focal,
        focal_spread_i=focal_spread,
        depth_i=points_i[:, 2].copy(),
        weights_i=sampled_i,
        points_j=points_j,
        weights_j=sampled_j,
        matches=matches,
        match_depth_i=match_depth,
        num_correspondences=0 if prediction.correspondences is None else len(prediction.correspondences),
    )
