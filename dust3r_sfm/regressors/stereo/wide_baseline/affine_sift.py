"""SIFT of a photo as it would look tilted: what stays alike from very different viewpoints.

J.-M. Morel and G. Yu, "ASIFT: A new framework for fully affine invariant image comparison", SIAM Journal on
Imaging Sciences 2(2), 2009. A surface seen slantwise is shortened along one direction; SIFT finds it again
in a picture that is shortened likewise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import affine_transform, gaussian_filter1d

from dust3r_sfm.feature_search.search import SearchSettings
from dust3r_sfm.feature_search.searchers import Searchers
from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.geometry.pixels import select_usable
from dust3r_sfm.images import load_gray
from dust3r_sfm.regressors.stereo.features import FeatureConfig, resolution_of
from dust3r_sfm.regressors.stereo.wide_baseline.keypoint_merging import merge_keypoints
from dust3r_sfm.types import Affine, View


@dataclass(frozen=True)
class AffineSiftConfig:
    """In which ways a photo is tilted, and how these pictures are searched."""

    tilts: tuple[float, ...] = (2.0**0.5, 2.0, 2.0**1.5)
    """How many times a picture is shortened (ascending, above 1), the reciprocal of the slant's cosine: steps
    of sqrt(2) as Morel and Yu have them (section 4), up to a slant of 69 degrees."""
    turn_deg: float = 72.0
    """Step between the directions that a picture is shortened along, times the tilt (section 4)."""
    anti_aliasing: float = 0.8
    """Blur in pixels for a tilt t over sqrt(t^2 - 1) (section 3)."""
    max_features: int = 2000
    """Of each of the pictures, the untilted one too."""
    peak_threshold: float = 0.01 / 3
    """As `FeatureConfig.peak_threshold`, but half of it: shortening blurs, and faint features count too."""
    place_px: float = 1.5
    """In pixels of the searched photo: features nearer to each other are one place."""


@dataclass(frozen=True)
class AffineFeatures:
    """Places of a view and, for each descriptor, which of them it describes. `pixels` and `resolution` as in
    `Features`."""

    pixels: Float[np.ndarray, "places 2"]
    place: Int[np.ndarray, " n"]
    descriptors: UInt8[np.ndarray, "n 128"]
    resolution: float


@dataclass(frozen=True)
class _TiltedPicture:
    """The photo turned by `angle` and shortened along x by `tilt`."""

    gray: UInt8[np.ndarray, "h w"]
    photo_from_tilted: Affine


def detect_affine(view: View, config: AffineSiftConfig, plain: FeatureConfig) -> AffineFeatures:
    """Of the photo as it is and tilted in every way of `config`: 18 searches. The places are those of the
    least tilted picture that shows them, where precision is best."""
    ways = _ways(config)
    with Searchers(1 + len(ways)) as searchers:
        gray, view_from_gray = load_gray(view, plain.long_edge_px)
        tilted = [_tilt(gray, *way, config.anti_aliasing) for way in ways]
        pictures = [_TiltedPicture(gray, np.eye(3)), *tilted]
        octave = -1 if max(gray.shape) < plain.fine_below_px else 0
        settings = SearchSettings(octave, config.max_features, config.peak_threshold)
        found = searchers.search([picture.gray for picture in pictures], settings)
    gray_px = np.concatenate(
        [apply_affine(p.photo_from_tilted, pixels) for p, (pixels, _) in zip(pictures, found, strict=True)]
    )
    descriptors = np.concatenate([of_picture for _, of_picture in found])
    kept = np.flatnonzero(select_usable(view, apply_affine(view_from_gray, gray_px)))
    stands, place = np.unique(merge_keypoints(gray_px[kept], config.place_px), return_inverse=True)
    places = apply_affine(view_from_gray, gray_px[kept[stands]])
    return AffineFeatures(places, place.reshape(-1), descriptors[kept], resolution_of(view_from_gray))


def _ways(config: AffineSiftConfig) -> list[tuple[float, float]]:
    """Every (tilt, angle in degrees); the more tilted, the denser the directions."""
    directions = {tilt: int(np.ceil(180.0 * tilt / config.turn_deg)) for tilt in config.tilts}
    return [
        (tilt, float(angle))
        for tilt in config.tilts
        for angle in np.arange(0.0, 180.0, 180.0 / directions[tilt])
    ]


def _tilt(
    gray: UInt8[np.ndarray, "h w"], tilt: float, angle_deg: float, anti_aliasing: float
) -> _TiltedPicture:
    height, width = gray.shape
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    corners = apply_affine(turn, np.array([[0.0, 0.0], [width, 0.0], [0.0, height], [width, height]]))
    turn[:2, 2] = -corners.min(axis=0)
    size = np.ceil(np.ptp(corners, axis=0) - 1e-9).astype(np.int64)
    turned = _resample(gray.astype(np.float32), np.linalg.inv(turn), (int(size[0]), int(size[1])))
    blurred = gaussian_filter1d(turned, anti_aliasing * np.sqrt(tilt**2 - 1.0), axis=1)
    stretch = np.diag([tilt, 1.0, 1.0])
    short = _resample(blurred, stretch, (int(size[0] / tilt), int(size[1])))
    return _TiltedPicture(short.round().clip(0, 255).astype(np.uint8), np.linalg.inv(turn) @ stretch)


def _resample(
    picture: Float[np.ndarray, "_h _w"], source_from_target: Affine, size: tuple[int, int]
) -> Float[np.ndarray, "height width"]:
    """Bilinear, pixel centres at .5, the border continued; `size` is (width, height)."""
    linear, offset = source_from_target[:2, :2], source_from_target[:2, 2]
    # scipy counts rows first and has pixel centres at integers.
    shift = offset + linear @ [0.5, 0.5] - 0.5
    return affine_transform(
        picture, linear[::-1, ::-1], shift[::-1], output_shape=size[::-1], order=1, mode="nearest"
    )
