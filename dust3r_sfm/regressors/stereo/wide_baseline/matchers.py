"""Matches that take longer to find than those of SIFT, for the pairs that need them."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, Notebook
from dust3r_sfm.regressors.stereo.features import FeatureConfig
from dust3r_sfm.regressors.stereo.stage import stage_in_threads
from dust3r_sfm.regressors.stereo.wide_baseline.affine_matching import AffineMatchingConfig, match_affine
from dust3r_sfm.regressors.stereo.wide_baseline.affine_sift import AffineFeatures, detect_affine
from dust3r_sfm.types import Correspondences, Pair, View


@runtime_checkable
class PairMatcher(Protocol):
    """Finds the matches of some pairs of views; what it finds of a pair depends on its two views alone."""

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        """In view pixels, each match once; keypoints keep their places from one pair to the next. Not of
        pairs that this matcher has nothing to say about."""
        ...


class AffineMatcher:
    """Affine SIFT (`affine_sift.py`): surfaces seen slantwise. Up to minutes a photo, no weights."""

    def __init__(
        self,
        config: AffineMatchingConfig,
        plain: FeatureConfig,
        max_ratio: float,
        device: torch.device,
        views: Sequence[View],
        notebook: Notebook,
    ) -> None:
        self._config, self._plain, self._max_ratio, self._device = config, plain, max_ratio, device
        self._views, self._notebook = views, notebook
        self._found: dict[int, AffineFeatures] = {}

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        """Implements `PairMatcher`."""
        features = self._search(views_of(pairs), progress)

        def match_pair(pair: Pair) -> Correspondences:
            kept = self._notebook.read("affine matches", (pair.i, pair.j))
            if kept is None:
                both = features[pair.i], features[pair.j]
                found = match_affine(*both, self._max_ratio, self._config, self._device)
                kept = {"pixels": np.concatenate([found.pixels_i, found.pixels_j], axis=1)}
                self._notebook.write("affine matches", (pair.i, pair.j), kept)
            pixels = kept["pixels"].reshape(-1, 4)
            return Correspondences(pixels[:, :2], pixels[:, 2:], np.ones(len(pixels)))

        return stage_in_threads("Matching tilted views", "pairs", match_pair, pairs, progress)

    def _search(self, wanted: Sequence[int], progress: Progress) -> Mapping[int, AffineFeatures]:
        new = [view for view in wanted if view not in self._found]
        if new:
            progress.start("Tilted views", len(new), "images")
        for view in new:
            kept = self._notebook.read("affine keypoints", (view,))
            if kept is None:
                kept = _arrays_from_features(
                    detect_affine(self._views[view], self._config.tilts, self._plain)
                )
                self._notebook.write("affine keypoints", (view,), kept)
            self._found[view] = AffineFeatures(
                kept["pixels"], kept["place"], kept["descriptors"], float(kept["resolution"])
            )
            progress.advance()
        return self._found


def _arrays_from_features(found: AffineFeatures) -> Encoding:
    return {
        "pixels": found.pixels,
        "place": found.place,
        "descriptors": found.descriptors,
        "resolution": np.array(found.resolution),
    }


def views_of(pairs: Sequence[Pair]) -> list[int]:
    """Ascending."""
    return sorted({view for pair in pairs for view in (pair.i, pair.j)})
