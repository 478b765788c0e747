"""Stronger features of reference photos, for queries that the plain ones do not place: found photo by photo,
when first asked for, and kept."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import invert_rigid, original_pixels, transform_points
from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.inference.encodings import EncodingCache
from dust3r_sfm.io.arrays import SUFFIX, read_arrays, write_arrays
from dust3r_sfm.localization.config import PreparationConfig
from dust3r_sfm.localization.mapping.matching import reference_matches
from dust3r_sfm.localization.mapping.photo_views import load_reference_view
from dust3r_sfm.localization.mapping.reference import NO_POINTS, PosedPhoto
from dust3r_sfm.localization.mapping.reference_map import ReferenceMap, Store
from dust3r_sfm.localization.mapping.triangulation import triangulate_features
from dust3r_sfm.localization.query_matches import NO_ROW, PointMatches
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import EncodesFeatures, Encoding
from dust3r_sfm.retrieval import diverse_neighbours
from dust3r_sfm.types import ImageSpec, Pair, View

_POINTS = "points"


class StrongerReferences:
    """Features of `source` in the photos of a prepared set, and the points they show: of each photo in turn,
    triangulated with those of `config.neighbours` others that look like it, where the photos agree on. What
    was found lies in the folder of the preparation and is taken up from there."""

    def __init__(
        self, prepared: ReferenceMap, source: EncodesFeatures, spec: ImageSpec, config: PreparationConfig
    ) -> None:
        self._source, self._spec, self._config = source, spec, config
        self._given = prepared.photos
        self._photos = _where_they_agree(prepared)
        near = diverse_neighbours(
            prepared.descriptors, config.neighbours, config.diversity, config=config.search
        )
        self._neighbours = near.index.tolist()
        key = f"{prepared.store.key} {source.fingerprint()} {config}"
        self._store = Store(prepared.store.folder / "stronger", key)
        keys = [f"{key} {photo.name}" for photo in self._photos]
        folder = self._store.folder / "encodings"
        self._encodings = EncodingCache(keys, folder, InferenceConfig().encoding_bytes)
        self._encoded: set[int] = set()

    def prepare(self, progress: Progress) -> None:
        """All photos now. A stage "Stronger features of references" in images."""
        progress.start("Stronger features of references", len(self._photos), "images")
        for index in range(len(self._photos)):
            self._points(index)
            progress.advance()

    def matches(self, view: View, references: Sequence[int]) -> list[PointMatches]:
        """Of the photo's features with those of each reference, as far as these have points. Raises
        InputError where a reference photo cannot be read any more."""
        (encoding,) = self._source.encode([view])
        pixels = original_pixels(view, self._source.feature_pixels(encoding))
        parts = []
        for index in references:
            agreed, in_reference = self._points(index), self._pixels(index)
            rows = self._source.match_features(encoding, self._encoding(index))
            rows = rows[np.isfinite(agreed[rows[:, 1]]).all(axis=1)]
            agreed = agreed[rows[:, 1]]
            parts.append(
                PointMatches(
                    pixels[rows[:, 0]],
                    transform_points(self._given_from_agreed(index), agreed),
                    np.full(len(rows), index),
                    in_reference[rows[:, 1]],
                    np.full(len(rows), NO_ROW),
                    agreed,
                )
            )
        return parts

    def _given_from_agreed(self, index: int) -> Float[np.ndarray, "4 4"]:
        return invert_rigid(self._given[index].cam_from_world) @ self._photos[index].cam_from_world

    def _encoding(self, index: int) -> Encoding:
        if index not in self._encoded and not self._encodings.restore(index):
            view = load_reference_view(self._photos[index], self._spec)
            self._encodings.put(index, self._source.encode([view])[0])
        self._encoded.add(index)
        return self._encodings[index]

    def _pixels(self, index: int) -> Float[np.ndarray, "n 2"]:
        """In the stored file."""
        view = load_reference_view(self._photos[index], self._spec)
        in_view = self._source.feature_pixels(self._encoding(index))
        return original_pixels(view, in_view)

    def _points(self, index: int) -> Float[np.ndarray, "n 3"]:
        """What each feature of a photo shows, nan where that is not known."""
        path = self._store.folder / _POINTS / f"{index:05d}{SUFFIX}"
        key = f"{self._store.key} points {index}"
        kept = read_arrays(path, key)
        if kept is None:
            kept = {"points": self._triangulate(index)}
            write_arrays(path, key, kept)
        return kept["points"]

    def _triangulate(self, index: int) -> Float[np.ndarray, "n 3"]:
        chosen = [index, *self._neighbours[index]]
        photos = [self._photos[k] for k in chosen]
        encodings, pixels = [self._encoding(k) for k in chosen], [self._pixels(k) for k in chosen]
        pairs = [Pair(0, other) for other in range(1, len(chosen))]
        limit = self._config.max_epipolar_error
        matches = reference_matches(self._source, photos, encodings, pixels, pairs, limit, Silent())
        found = triangulate_features(photos, pixels, matches, NO_POINTS, self._config, adjust_poses=False)
        of_feature = found.point_of_feature[0]
        points = np.full((len(of_feature), 3), np.nan)
        points[of_feature >= 0] = found.xyz[of_feature[of_feature >= 0]]
        return points


def _where_they_agree(prepared: ReferenceMap) -> tuple[PosedPhoto, ...]:
    assert prepared.features is not None, "prepared with another kind of regressor"
    agreed = prepared.features.points.agreed
    if agreed is None:
        return prepared.photos
    return tuple(
        replace(photo, cam_from_world=pose)
        for photo, pose in zip(prepared.photos, agreed.cam_from_world, strict=True)
    )
