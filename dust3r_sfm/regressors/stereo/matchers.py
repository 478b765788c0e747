"""Matches that take longer to find than those of SIFT, for the pairs that need them."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from dust3r_sfm.matching.learned import (
    LearnedConfig,
    LearnedFeatures,
    LearnedNetworks,
    arrays_from_features,
    features_from_arrays,
    load_networks,
    match_learned,
)
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, Notebook
from dust3r_sfm.regressors.stereo.features import FeatureConfig
from dust3r_sfm.regressors.stereo.learned import detect_learned
from dust3r_sfm.regressors.stereo.tilted import TiltedFeatures, tilted_features
from dust3r_sfm.regressors.stereo.wide import WideConfig, wide_matches
from dust3r_sfm.threads import in_threads
from dust3r_sfm.types import Correspondences, Pair, View


@runtime_checkable
class PairMatcher(Protocol):
    """Finds the matches of some pairs of views; what it finds of a pair depends on its two views alone."""

    def match(
        self, views: Sequence[View], pairs: Sequence[Pair], notebook: Notebook, progress: Progress
    ) -> dict[Pair, Correspondences]:
        """In view pixels, each match once; keypoints keep their places from one pair to the next."""
        ...


class LearnedMatcher:
    """ALIKED keypoints, matched by LightGlue: wide changes of viewpoint and light, little texture. Seconds
    a photo and a pair on a CPU core."""

    def __init__(self, config: LearnedConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        self._loaded: LearnedNetworks | None = None

    def match(
        self, views: Sequence[View], pairs: Sequence[Pair], notebook: Notebook, progress: Progress
    ) -> dict[Pair, Correspondences]:
        features = self.detect(views, _views_of(pairs), notebook, progress)

        def matched(pair: Pair) -> Correspondences:
            kept = notebook.read("learned matches", (pair.i, pair.j))
            if kept is None:
                found = match_learned(self._networks(), features[pair.i], features[pair.j])
                kept = {"index_pairs": found.index_pairs, "scores": found.scores}
                notebook.write("learned matches", (pair.i, pair.j), kept)
            rows_i, rows_j = kept["index_pairs"].reshape(-1, 2).T
            pixels_i, pixels_j = features[pair.i].pixels[rows_i], features[pair.j].pixels[rows_j]
            return Correspondences(pixels_i, pixels_j, np.ones(len(rows_i)))

        return _of_pairs(matched, pairs, "Learned matches", progress)

    def detect(
        self, views: Sequence[View], wanted: Sequence[int], notebook: Notebook, progress: Progress
    ) -> dict[int, LearnedFeatures]:
        """Keypoints of the wanted views."""

        def detected(view: int) -> LearnedFeatures:
            kept = notebook.read("learned keypoints", (view,))
            if kept is not None:
                return features_from_arrays(kept)
            found = detect_learned(self._networks(), views[view], self._config.features)
            notebook.write("learned keypoints", (view,), arrays_from_features(found))
            return found

        self._networks()
        progress.start("Learned keypoints", len(wanted), "images")
        out = {}
        for view, found in zip(wanted, in_threads(detected, wanted), strict=True):
            out[view] = found
            progress.advance()
        return out

    def _networks(self) -> LearnedNetworks:
        if self._loaded is None:
            self._loaded = load_networks(self._config, self._device)
        return self._loaded


class AffineMatcher:
    """Affine SIFT (`tilted.py`): surfaces seen slantwise. Up to minutes a photo, no weights."""

    def __init__(
        self, config: WideConfig, plain: FeatureConfig, max_ratio: float, device: torch.device
    ) -> None:
        self._config, self._plain, self._max_ratio, self._device = config, plain, max_ratio, device

    def match(
        self, views: Sequence[View], pairs: Sequence[Pair], notebook: Notebook, progress: Progress
    ) -> dict[Pair, Correspondences]:
        features = self._search(views, _views_of(pairs), notebook, progress)

        def matched(pair: Pair) -> Correspondences:
            kept = notebook.read("affine matches", (pair.i, pair.j))
            if kept is None:
                both = features[pair.i], features[pair.j]
                found = wide_matches(*both, self._max_ratio, self._config, self._device)
                kept = {"pixels": np.concatenate([found.pixels_i, found.pixels_j], axis=1)}
                notebook.write("affine matches", (pair.i, pair.j), kept)
            pixels = kept["pixels"].reshape(-1, 4)
            return Correspondences(pixels[:, :2], pixels[:, 2:], np.ones(len(pixels)))

        return _of_pairs(matched, pairs, "Matching tilted views", progress)

    def _search(
        self, views: Sequence[View], wanted: Sequence[int], notebook: Notebook, progress: Progress
    ) -> dict[int, TiltedFeatures]:
        progress.start("Tilted views", len(wanted), "images")
        out = {}
        for view in wanted:
            kept = notebook.read("affine keypoints", (view,))
            if kept is None:
                kept = _arrays_of_tilted(tilted_features(views[view], self._config.tilts, self._plain))
                notebook.write("affine keypoints", (view,), kept)
            out[view] = TiltedFeatures(
                kept["pixels"], kept["place"], kept["descriptors"], float(kept["resolution"])
            )
            progress.advance()
        return out


def _arrays_of_tilted(found: TiltedFeatures) -> Encoding:
    return {
        "pixels": found.pixels,
        "place": found.place,
        "descriptors": found.descriptors,
        "resolution": np.array(found.resolution),
    }


def _views_of(pairs: Sequence[Pair]) -> list[int]:
    return sorted({view for pair in pairs for view in (pair.i, pair.j)})


def _of_pairs(
    matched: Callable[[Pair], Correspondences], pairs: Sequence[Pair], stage: str, progress: Progress
) -> dict[Pair, Correspondences]:
    progress.start(stage, len(pairs), "pairs")
    out = {}
    for pair, found in zip(pairs, in_threads(matched, pairs), strict=True):
        out[pair] = found
        progress.advance()
    return out
