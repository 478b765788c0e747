"""One picture searched for SIFT features, by pycolmap."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pycolmap
from jaxtyping import Float, UInt8

FoundFeatures: TypeAlias = tuple[Float[np.ndarray, "n 2"], UInt8[np.ndarray, "n 128"]]
"""Keypoints (continuous pixels of the picture), and descriptors as round(512 v)."""


@dataclass(frozen=True)
class SearchSettings:
    """How pictures are searched."""

    first_octave: int
    """-1: at double size too."""
    max_features: int
    """The largest ones that are kept; a keypoint of several directions counts once."""
    peak_threshold: float
    """Difference of Gaussians, of grey values in [0, 1], below which an extremum is no feature."""


class Search:
    """Of one picture after another, on one core, the interpreter held meanwhile. Pictures of one size use the
    same memory."""

    def __init__(self, settings: SearchSettings) -> None:
        options = pycolmap.FeatureExtractionOptions()
        options.use_gpu = False
        options.sift.first_octave = settings.first_octave
        options.sift.max_num_features = settings.max_features
        options.sift.peak_threshold = settings.peak_threshold
        with _quietly():
            self._extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)

    def search(self, gray: UInt8[np.ndarray, "_h _w"]) -> FoundFeatures:
        with _quietly():
            keypoints, descriptors = self._extractor.extract(pycolmap.Bitmap.from_array(gray))
        pixels = np.array([(point.x, point.y) for point in keypoints], dtype=np.float64).reshape(-1, 2)
        # A copy: `data` looks into memory that goes with `descriptors`.
        return pixels, np.array(descriptors.data, dtype=np.uint8).reshape(-1, 128)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the line pycolmap logs for every extractor."""
    before = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = max(before, int(pycolmap.logging.ERROR))
    try:
        yield
    finally:
        pycolmap.logging.minloglevel = before
