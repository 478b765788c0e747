"""SIFT of photos, at more pixels than a view has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from dust3r_sfm.feature_search.search import SearchSettings
from dust3r_sfm.feature_search.searchers import Searchers
from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.geometry.pixels import select_usable
from dust3r_sfm.images import load_gray
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.types import Affine, View


@dataclass(frozen=True)
class FeatureConfig:
    """How photos are searched for SIFT features (Lowe 2004)."""

    long_edge_px: int = 1600
    """Photos are read at up to this size; what features of larger ones show is much finer than a view's
    pixel."""
    fine_below_px: int = 1400
    """Photos whose long edge is shorter are searched at double size too, which finds more but takes four
    times as long."""
    max_features: int = 4000
    """The largest ones of a photo that are kept. The time for a pair grows with its square."""
    peak_threshold: float = 0.02 / 3
    """Difference of Gaussians, of grey values in [0, 1], below which an extremum is no feature: COLMAP's own
    choice."""


@dataclass(frozen=True)
class Features:
    """`pixels` of the view, and descriptors as round(512 v). `resolution`: pixels of the picture that
    was searched for each pixel of the view, the unit of the features' precision."""

    pixels: Float[np.ndarray, "n 2"]
    descriptors: UInt8[np.ndarray, "n 128"]
    resolution: float


def features_from_encoding(encoding: Encoding) -> Features:
    return Features(encoding["pixels"], encoding["descriptors"], float(encoding["resolution"]))


def root_sift(descriptors: UInt8[np.ndarray, "n 128"]) -> Float[np.ndarray, "n 128"]:
    """Descriptors whose Euclidean distance is the Hellinger distance of the histograms (Arandjelovic and
    Zisserman 2012, "Three things everyone should know to improve object retrieval")."""
    histograms = descriptors.astype(np.float32)
    return np.sqrt(histograms / np.maximum(histograms.sum(axis=1, keepdims=True), 1.0))


def encode_each(views: Sequence[View], config: FeatureConfig) -> Iterator[tuple[int, Encoding]]:
    """SIFT of a batch of views, on all cores: a view's number and its encoding, as soon as it is there."""
    with Searchers(len(views)) as searchers:
        read = [load_gray(view, config.long_edge_px) for view in views]
        fine = [max(gray.shape) < config.fine_below_px for gray, _ in read]
        for octave, group in ((-1, fine), (0, [not f for f in fine])):
            chosen = [index for index, member in enumerate(group) if member]
            grays = [read[index][0] for index in chosen]
            found = searchers.search_each(grays, search_settings(config, octave))
            for index, features in zip(chosen, found, strict=True):
                yield index, _encoding(views[index], read[index][1], *features)


def search_settings(config: FeatureConfig, first_octave: int) -> SearchSettings:
    return SearchSettings(first_octave, config.max_features, config.peak_threshold)


def _encoding(
    view: View,
    view_from_gray: Affine,
    keypoints: Float[np.ndarray, "n 2"],
    descriptors: UInt8[np.ndarray, "n 128"],
) -> Encoding:
    """In view pixels, without features where the view does not reach or its mask forbids."""
    pixels = apply_affine(view_from_gray, keypoints.astype(np.float64))
    kept = select_usable(view, pixels)
    resolution = np.array(resolution_of(view_from_gray))
    return {"pixels": pixels[kept], "descriptors": descriptors[kept], "resolution": resolution}


def resolution_of(view_from_gray: Affine) -> float:
    """Pixels of the searched picture for each pixel of the view."""
    return float(1.0 / np.sqrt(abs(np.linalg.det(view_from_gray[:2, :2]))))
