"""Depth of reference photos by a regressor, brought to the size that their known cameras ask for."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import invert_rigid, original_pixels, transform_points, view_pixels
from dust3r_sfm.geometry.projection import normalized_from_pixels
from dust3r_sfm.geometry.robust import weighted_median
from dust3r_sfm.localization.config import DepthScaleConfig, PreparationConfig
from dust3r_sfm.localization.mapping.matching import longest_focals, near_epipolar_line
from dust3r_sfm.localization.mapping.reference import DepthMap, KnownPoints, PosedPhoto, Reference
from dust3r_sfm.localization.mapping.reference_map import Store, read_depth, write_depth
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.regressors.stereo.two_view import triangulate_depths
from dust3r_sfm.types import Pair, PairPrediction, View


def reference_depths(
    regressor: PointmapRegressor,
    reference: Reference,
    views: Sequence[View],
    encodings: Sequence[Encoding],
    pairs: Sequence[Pair],
    config: PreparationConfig,
    store: Store,
    progress: Progress,
) -> tuple[DepthMap, ...]:
    """Of each photo: what came with the set, else what a former run left in `store`, else predicted with
    `config.depth_neighbours` others and left there. A stage "Depth of references" in images."""
    progress.start("Depth of references", len(views), "images")
    out = []
    for index, photo in enumerate(reference.photos):
        found = reference.depth.get(photo.name) or read_depth(store, index, photo)
        if found is None:
            others = [pair.j if pair.i == index else pair.i for pair in pairs if index in (pair.i, pair.j)]
            own = [Pair(index, other) for other in others[: config.depth_neighbours]]
            predicted = regressor.predict(views, encodings, own, frozenset(), Silent())
            found = known_size_depth(index, reference, views, predicted, config)
        write_depth(store, index, photo, found)
        out.append(found)
        progress.advance()
    return tuple(out)


def known_size_depth(
    index: int,
    reference: Reference,
    views: Sequence[View],
    predictions: Iterable[PairPrediction],
    config: PreparationConfig,
) -> DepthMap:
    """The mean of the log depths that the pairs of photo `index` with others give it, weighted by log
    confidence, each brought to size by what is known of it: the set's own points that the photo sees, and
    matches of the pair triangulated under the known cameras. Pairs that fit neither are left out."""
    view, shape = views[index], views[index].image.shape[:2]
    known_pixels, known_z = _known_depths(index, reference.photos[index], view, reference.points)
    weighted, weights = np.zeros(shape), np.zeros(shape)
    for found in predictions:
        pixels, z = _triangulate(found, reference.photos, views, config)
        scale = fit_scale(
            found.points_i[..., 2],
            np.concatenate([known_pixels, pixels]),
            np.concatenate([known_z, z]),
            config.depth_scale,
        )
        if scale is None:
            continue
        depth = found.points_i[..., 2]
        weight = np.where(depth > 0, np.log(found.confidence_i), 0.0)
        weighted += weight * np.log(scale * np.where(depth > 0, depth, 1.0))
        weights += weight
    seen = weights > 0
    mean = np.where(seen, np.exp(weighted / np.where(seen, weights, 1.0)), 0.0)
    return DepthMap(mean.astype(np.float32), np.exp(weights).astype(np.float32), view.pixel_from_original)


def fit_scale(
    depth: Float[np.ndarray, "h w"],
    pixels: Float[np.ndarray, "n 2"],
    z: Float[np.ndarray, " n"],
    config: DepthScaleConfig,
) -> float | None:
    """What `depth` must be multiplied with to be `z` at `pixels`: the median. None where too few pixels
    have both, or they do not agree."""
    height, width = depth.shape
    column, row = np.clip(pixels.astype(np.int64), 0, [width - 1, height - 1]).T
    there = depth[row, column]
    usable = (there > 0) & (z > 0)
    if usable.sum() < config.min_anchors:
        return None
    logs = np.log(z[usable] / there[usable])
    middle = weighted_median(logs, np.ones(len(logs)))
    spread = weighted_median(np.abs(logs - middle), np.ones(len(logs)))
    return float(np.exp(middle)) if spread <= config.max_spread else None


def _known_depths(
    index: int, photo: PosedPhoto, view: View, points: KnownPoints
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """View pixels and z of the known points that the photo sees."""
    rows = np.flatnonzero(points.photo_index == index)
    z = transform_points(photo.cam_from_world, points.xyz[points.point_index[rows]])[:, 2]
    return view_pixels(view, points.pixels[rows]), z


def _triangulate(
    found: PairPrediction, photos: Sequence[PosedPhoto], views: Sequence[View], config: PreparationConfig
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
    """View pixels and z in photo i of matches that fit the known cameras and have enough parallax."""
    if found.correspondences is None:
        return np.zeros((0, 2)), np.zeros(0)
    pixels = found.correspondences.pixels_i.astype(np.float64)
    both = zip((found.pair.i, found.pair.j), (pixels, found.correspondences.pixels_j), strict=True)
    rays_i, rays_j = (normalized_from_pixels(original_pixels(views[k], p), photos[k].camera) for k, p in both)
    photo_i, photo_j = photos[found.pair.i], photos[found.pair.j]
    j_from_i = photo_j.cam_from_world @ invert_rigid(photo_i.cam_from_world)
    limit = config.max_epipolar_error * longest_focals(photo_i)
    ones = np.ones((len(pixels), 1))
    full_i, full_j = np.hstack([rays_i, ones]), np.hstack([rays_j, ones])
    z, _ = triangulate_depths(full_i, full_j, j_from_i)
    turned = full_i @ j_from_i[:3, :3].T
    cosine = (turned * full_j).sum(axis=1) / np.linalg.norm(turned, axis=1) / np.linalg.norm(full_j, axis=1)
    wide = cosine < np.cos(np.radians(config.min_angle_deg))
    kept = near_epipolar_line(rays_i, rays_j, j_from_i, limit) & wide & np.isfinite(z)
    return pixels[kept], z[kept]
