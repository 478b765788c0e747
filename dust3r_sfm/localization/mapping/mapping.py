"""From posed photos to what new photos can be placed against."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import original_pixels
from dust3r_sfm.inference.cache_keys import encoding_key
from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.inference.encodings import encode_all
from dust3r_sfm.inference.global_descriptors import LocalDescriptors, require_descriptors
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm.localization.config import PreparationConfig
from dust3r_sfm.localization.mapping.depth import reference_depths
from dust3r_sfm.localization.mapping.matching import reference_matches
from dust3r_sfm.localization.mapping.photo_views import load_reference_view, with_state
from dust3r_sfm.localization.mapping.reference import KnownPoints, PosedPhoto, Reference
from dust3r_sfm.localization.mapping.reference_map import (
    ReferenceFeatures,
    ReferenceMap,
    Store,
    load_reference_map,
    preparation_key,
    save_reference_map,
)
from dust3r_sfm.localization.mapping.triangulation import triangulate_features
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import Encoding, MatchesFeatures, PointmapRegressor
from dust3r_sfm.retrieval import Vlad, fit_vlad, similarity_pairs
from dust3r_sfm.types import ImageSpec, Pair, View

_READERS = 4
"""Photos read at once: each is whole in memory, and more are hardly read faster."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Readable:
    """Photos that could be read, their rows in the reference set, and the set's points for them alone."""

    rows: tuple[int, ...]
    photos: tuple[PosedPhoto, ...]
    views: tuple[View, ...]
    points: KnownPoints


def default_folder(reference: Reference, regressor: PointmapRegressor) -> Path:
    """Beside what was read, one for each regressor and its settings."""
    beside = reference.source if reference.source.is_dir() else reference.source.parent
    settings = hashlib.sha256(regressor.fingerprint().encode()).hexdigest()[:12]
    return beside / ".localization" / settings


def prepare(
    reference: Reference,
    regressor: PointmapRegressor,
    folder: Path,
    config: PreparationConfig | None = None,
    inference: InferenceConfig | None = None,
    progress: Progress | None = None,
) -> ReferenceMap:
    """What `folder` holds of exactly this set, regressor and settings; else made, and kept there. A killed
    preparation goes on where it was, but for matching and triangulation.

    Stages on `progress`: "Encoding", "Describing" in images, then "Matching references" or "Depth of
    references". Raises InputError where no photo can be used or the regressor cannot tell which photos look
    alike, OutputError where the folder cannot be written.
    """
    config, inference, progress = (
        config or PreparationConfig(),
        inference or InferenceConfig(),
        progress or Silent(),
    )
    require_descriptors(regressor)
    reference = replace(reference, photos=tuple(with_state(photo) for photo in reference.photos))
    store = Store(folder, preparation_key(reference, regressor, config))
    found = load_reference_map(reference, store, inference.encoding_bytes)
    if found is not None:
        return found
    read = _read_views(reference, regressor.image_spec)
    encodings = encode_all(regressor, read.views, folder, inference.encoding_bytes, progress)
    vlad, descriptors = _describe(regressor, encodings, config, progress)
    pairs = _neighbours(descriptors, config)
    if isinstance(regressor, MatchesFeatures):
        features = _features(regressor, read, encodings, pairs, config, progress)
        prepared = ReferenceMap(read.photos, encodings, vlad, descriptors, features, None, store)
    else:
        given = replace(reference, photos=read.photos, points=read.points)
        depth = reference_depths(regressor, given, read.views, encodings, pairs, config, store, progress)
        prepared = ReferenceMap(read.photos, encodings, vlad, descriptors, None, depth, store)
    keys = [encoding_key(regressor, view) for view in read.views]
    save_reference_map(prepared, read.rows, keys, store)
    return prepared


def _read_views(reference: Reference, spec: ImageSpec) -> _Readable:
    """Raises InputError if there are none."""
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda photo: _view_or_reason(photo, spec), reference.photos))
    reasons = {p.name: f for p, f in zip(reference.photos, found, strict=True) if isinstance(f, str)}
    for name, reason in reasons.items():
        _logger.warning("reference %s left out: %s", shown(name), shown(reason))
    rows = tuple(index for index, view in enumerate(found) if isinstance(view, View))
    if not rows:
        name, reason = next(iter(reasons.items()))
        raise InputError(
            f"{reference.source}: none of its {len(found)} photos can be used ({name}: {reason})"
        )
    views = tuple(view for view in found if isinstance(view, View))
    photos = tuple(reference.photos[row] for row in rows)
    return _Readable(rows, photos, views, _points_of(reference.points, rows, len(found)))


def _view_or_reason(photo: PosedPhoto, spec: ImageSpec) -> View | str:
    try:
        view = load_reference_view(photo, spec)
    except InputError as error:
        return str(error)
    width, height = view.original_size
    if (width, height) != (photo.camera.width, photo.camera.height):
        return (
            f"{photo.path} has {width}x{height} pixels as it is stored, its camera {photo.camera.width}x"
            f"{photo.camera.height}; give the photos that the cameras were made for"
        )
    return replace(view, name=photo.name)


def _points_of(points: KnownPoints, rows: Sequence[int], count: int) -> KnownPoints:
    """Observations of the photos in these rows alone, which are counted anew."""
    number = np.full(count, -1)
    number[list(rows)] = np.arange(len(rows))
    photo_index = number[points.photo_index]
    kept = photo_index >= 0
    return replace(
        points,
        point_index=points.point_index[kept],
        photo_index=photo_index[kept],
        pixels=points.pixels[kept],
    )


def _describe(
    regressor: PointmapRegressor,
    encodings: Sequence[Encoding],
    config: PreparationConfig,
    progress: Progress,
) -> tuple[Vlad, Float[np.ndarray, "n d"]]:
    local = LocalDescriptors(require_descriptors(regressor), encodings)
    progress.start("Describing", len(encodings), "images")
    vlad = fit_vlad(local, config.descriptors)
    rows = []
    for found in local:
        rows.append(vlad.describe(found))
        progress.advance()
    return vlad, np.stack(rows)


def _neighbours(descriptors: Float[np.ndarray, "n d"], config: PreparationConfig) -> list[Pair]:
    if len(descriptors) < 2:
        return []
    found = similarity_pairs(descriptors, config.neighbours, config.diversity, config.search)
    return [Pair(i, j) for i, j in found.tolist()]


def _features(
    regressor: MatchesFeatures,
    read: _Readable,
    encodings: Sequence[Encoding],
    pairs: Sequence[Pair],
    config: PreparationConfig,
    progress: Progress,
) -> ReferenceFeatures:
    pixels = tuple(
        original_pixels(view, regressor.feature_pixels(encoding))
        for view, encoding in zip(read.views, encodings, strict=True)
    )
    matches = reference_matches(
        regressor, read.photos, encodings, pixels, pairs, config.max_epipolar_error, progress
    )
    return ReferenceFeatures(pixels, triangulate_features(read.photos, pixels, matches, read.points, config))
