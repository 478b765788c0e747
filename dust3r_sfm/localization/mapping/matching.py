"""Matches between reference photos that their known cameras allow."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.cameras import mean_focal
from dust3r_sfm.geometry.projection import normalized_from_pixels
from dust3r_sfm.localization.mapping.reference import PosedPhoto
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, MatchesFeatures
from dust3r_sfm.types import Pair


def reference_matches(
    regressor: MatchesFeatures,
    photos: Sequence[PosedPhoto],
    encodings: Sequence[Encoding],
    pixels: Sequence[Float[np.ndarray, "_n 2"]],
    pairs: Sequence[Pair],
    max_error: float,
    progress: Progress,
) -> dict[Pair, Int[np.ndarray, "_k 2"]]:
    """Features of the photos of each pair that look alike and are within `max_error` (a share of the long
    edge) of each other's epipolar line. `pixels`: of the features, in the stored files. A stage "Matching
    references" in pairs on `progress`."""
    rays = [
        normalized_from_pixels(places, photo.camera) for places, photo in zip(pixels, photos, strict=True)
    ]
    progress.start("Matching references", len(pairs), "pairs")
    out = {}
    for pair in pairs:
        rows = regressor.match_features(encodings[pair.i], encodings[pair.j])
        photo_i, photo_j = photos[pair.i], photos[pair.j]
        limit = max_error * np.mean([longest_focals(photo) for photo in (photo_i, photo_j)])
        j_from_i = photo_j.cam_from_world @ invert_rigid(photo_i.cam_from_world)
        fits = near_epipolar_line(rays[pair.i][rows[:, 0]], rays[pair.j][rows[:, 1]], j_from_i, float(limit))
        out[pair] = rows[fits]
        progress.advance()
    return out


def longest_focals(photo: PosedPhoto) -> float:
    """The long edge in focal lengths."""
    return max(photo.camera.width, photo.camera.height) / mean_focal(photo.camera)


def near_epipolar_line(
    rays_i: Float[np.ndarray, "n 2"],
    rays_j: Float[np.ndarray, "n 2"],
    j_from_i: Float[np.ndarray, "4 4"],
    limit: float,
) -> Bool[np.ndarray, " n"]:
    """Whether the first-order (Sampson) distance of normalised pixels from fitting the known relative pose
    is at most `limit`, in focal lengths. Two photos from one place have no epipolar lines: none fits."""
    x, y, z = j_from_i[:3, 3]
    essential = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]]) @ j_from_i[:3, :3]
    ones = np.ones((len(rays_i), 1))
    first, second = np.hstack([rays_i, ones]), np.hstack([rays_j, ones])
    in_j, in_i = first @ essential.T, second @ essential
    gradient = (in_j[:, :2] ** 2).sum(axis=1) + (in_i[:, :2] ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs((second * in_j).sum(axis=1)) / np.sqrt(gradient)
        return distance <= limit
