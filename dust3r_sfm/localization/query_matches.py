"""Matches between one new photo and the 3D points of the references that look like it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.geometry import apply_affine, invert_rigid, original_pixels, transform_points
from dust3r_sfm.geometry.projection import normalized_from_pixels
from dust3r_sfm.localization.config import LocalizationConfig
from dust3r_sfm.localization.mapping.photo_views import load_reference_view
from dust3r_sfm.localization.mapping.reference import DepthMap, PosedPhoto
from dust3r_sfm.localization.mapping.reference_map import ReferenceFeatures, ReferenceMap
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import Encoding, MatchesFeatures, PointmapRegressor
from dust3r_sfm.types import Pair, PairPrediction, View

NO_ROW = -1
"""Of a point that is none of the prepared ones."""


@dataclass(frozen=True)
class PointMatches:
    """What is at `pixels` (continuous, stored file) of the new photo is at `points` in the world. Each was
    found through photo `reference` (its number in the prepared set) at its `reference_pixels` (stored
    file), and is row `point_row` of the prepared points, or NO_ROW. `agreed`: the points where the reference
    photos agree on, which poses are solved from; nan where that is not known."""

    pixels: Float[np.ndarray, "n 2"]
    points: Float[np.ndarray, "n 3"]
    reference: Int[np.ndarray, " n"]
    reference_pixels: Float[np.ndarray, "n 2"]
    point_row: Int[np.ndarray, " n"]
    agreed: Float[np.ndarray, "n 3"]

    def __len__(self) -> int:
        return len(self.pixels)

    def at(self, rows: np.ndarray) -> "PointMatches":
        """Those of these rows, or where this mask is True."""
        return PointMatches(*(array[rows] for array in vars(self).values()))


def pool_matches(parts: Sequence[PointMatches]) -> PointMatches:
    """All of them that a pose can be solved from, each place of the photo with each point once."""
    columns = ((getattr(part, name) for part in parts) for name in vars(_NONE))
    every = PointMatches(
        *(np.concatenate([empty, *c]) for empty, c in zip(vars(_NONE).values(), columns, strict=True))
    )
    rows = np.hstack([every.pixels, every.points])
    once = every.at(np.sort(np.unique(rows, axis=0, return_index=True)[1]))
    return once.at(np.isfinite(once.agreed).all(axis=1))


def count_places(matches: PointMatches) -> int:
    """Different pixels of the photo among them."""
    return len(np.unique(matches.pixels, axis=0))


def select_best_of_places(
    matches: PointMatches, errors_px: Float[np.ndarray, " n"], rows: Int[np.ndarray, " k"]
) -> Int[np.ndarray, " m"]:
    """Of these rows, at each place of the photo the one with least error. What several references say of
    one place is one witness."""
    ordered = rows[np.argsort(errors_px[rows], kind="stable")]
    return np.sort(ordered[np.unique(matches.pixels[ordered], axis=0, return_index=True)[1]])


_NONE = PointMatches(
    np.zeros((0, 2)),
    np.zeros((0, 3)),
    np.zeros(0, np.int64),
    np.zeros((0, 2)),
    np.zeros(0, np.int64),
    np.zeros((0, 3)),
)


def matches_by_features(
    regressor: MatchesFeatures,
    view: View,
    encoding: Encoding,
    prepared: ReferenceMap,
    features: ReferenceFeatures,
    references: Sequence[int],
) -> list[PointMatches]:
    """Of the photo's features with those of each reference, as far as they have points."""
    pixels = original_pixels(view, regressor.feature_pixels(encoding))
    parts = []
    for index in references:
        in_query, in_reference = regressor.match_features(encoding, prepared.encodings[index]).T
        point = features.points.point_of_feature[index][in_reference]
        known = np.flatnonzero(point >= 0)
        parts.append(
            PointMatches(
                pixels[in_query[known]],
                features.points.xyz[point[known]],
                np.full(len(known), index),
                features.pixels[index][in_reference[known]],
                point[known],
                features.points.solved_xyz[point[known]],
            )
        )
    return parts


def matches_by_predictions(
    regressor: PointmapRegressor,
    view: View,
    encoding: Encoding,
    prepared: ReferenceMap,
    depth: Sequence[DepthMap],
    references: Sequence[int],
    config: LocalizationConfig,
) -> list[PointMatches]:
    """What the regressor says the photo and each reference have in common, where the reference's depth is
    known. All pairs are handed over at once, for the regressor to make batches of. Raises InputError where
    a reference photo cannot be read any more."""
    views = [view, *(load_reference_view(prepared.photos[k], regressor.image_spec) for k in references)]
    encodings = [encoding, *(prepared.encodings[k] for k in references)]
    pairs = [Pair(0, number) for number in range(1, len(views))]
    found = {p.pair.j: p for p in regressor.predict(views, encodings, pairs, frozenset(), Silent())}
    return [
        _lift(found[number], view, views[number], index, prepared.photos[index], depth[index], config)
        for number, index in enumerate(references, start=1)
    ]


def _lift(
    found: PairPrediction,
    view: View,
    reference_view: View,
    index: int,
    photo: PosedPhoto,
    depth: DepthMap,
    config: LocalizationConfig,
) -> PointMatches:
    if found.correspondences is None:
        return _NONE
    in_query, in_reference = (
        original_pixels(v, p.astype(np.float64))
        for v, p in ((view, found.correspondences.pixels_i), (reference_view, found.correspondences.pixels_j))
    )
    points = world_points(photo, depth, in_reference, config.min_confidence)
    known = np.flatnonzero(np.isfinite(points).all(axis=1))
    return PointMatches(
        in_query[known],
        points[known],
        np.full(len(known), index),
        in_reference[known],
        np.full(len(known), NO_ROW),
        points[known],
    )


def world_points(
    photo: PosedPhoto, depth: DepthMap, pixels: Float[np.ndarray, "n 2"], min_confidence: float
) -> Float[np.ndarray, "n 3"]:
    """What the photo shows at continuous pixels of its stored file; nan where that is not known well."""
    height, width = depth.depth.shape
    in_map = np.floor(apply_affine(depth.pixel_from_original, pixels)).astype(np.int64)
    inside = ((in_map >= 0) & (in_map < [width, height])).all(axis=1)
    column, row = np.clip(in_map, 0, [width - 1, height - 1]).T
    z = depth.depth[row, column].astype(np.float64)
    known = inside & (z > 0) & (depth.confidence[row, column] >= min_confidence)
    rays = np.hstack([normalized_from_pixels(pixels, photo.camera), np.ones((len(pixels), 1))])
    world = transform_points(invert_rigid(photo.cam_from_world), rays * z[:, None])
    return np.where(known[:, None], world, np.nan)
