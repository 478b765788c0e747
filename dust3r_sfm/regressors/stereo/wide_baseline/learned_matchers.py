"""ALIKED keypoints of photos, matched by LightGlue: as the photos stand, or turned by quarters."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch

from dust3r_sfm.matching.learned import (
    LearnedConfig,
    LearnedFeatureConfig,
    LearnedFeatures,
    LearnedNetworks,
    arrays_from_features,
    features_from_arrays,
    load_networks,
    match_learned,
)
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Notebook
from dust3r_sfm.regressors.stereo.stage import stage_in_threads
from dust3r_sfm.regressors.stereo.wide_baseline.learned_features import detect_learned
from dust3r_sfm.regressors.stereo.wide_baseline.matchers import views_of
from dust3r_sfm.regressors.stereo.wide_baseline.rolls import RollConfig, WayUp, likeness, turns_of_views
from dust3r_sfm.types import Correspondences, Pair, View


class LearnedKeypoints:
    """Keypoints of some views, found when first asked for, and the networks that find and match them."""

    def __init__(
        self, config: LearnedConfig, device: torch.device, views: Sequence[View], notebook: Notebook
    ) -> None:
        self.config, self._device, self._views, self._notebook = config, device, views, notebook
        self._found: dict[tuple[str, WayUp], LearnedFeatures] = {}

    @cached_property
    def networks(self) -> LearnedNetworks:
        """Loaded when first needed, which raises InputError where they cannot be."""
        return load_networks(self.config, self._device)

    def detect(
        self, wanted: Sequence[WayUp], config: LearnedFeatureConfig, stage: str, progress: Progress
    ) -> dict[WayUp, LearnedFeatures]:
        """Keypoints of views this way up. A stage in images, of those that were not asked for before."""

        def detect_one(way_up: WayUp) -> LearnedFeatures:
            what = f"{stage} {way_up.quarter_turns}"
            kept = self._notebook.read(what, (way_up.view,))
            if kept is not None:
                return features_from_arrays(kept)
            view = self._views[way_up.view]
            found = detect_learned(self.networks, view, config, way_up.quarter_turns)
            self._notebook.write(what, (way_up.view,), arrays_from_features(found))
            return found

        new = [way_up for way_up in wanted if (stage, way_up) not in self._found]
        if new:
            _ = self.networks  # before threads ask for them
            for way_up, features in stage_in_threads(stage, "images", detect_one, new, progress).items():
                self._found[stage, way_up] = features
        return {way_up: self._found[stage, way_up] for way_up in wanted}

    def matches(
        self, pairs: Sequence[Pair], turns: Mapping[int, int], progress: Progress
    ) -> dict[Pair, Correspondences]:
        """Of pairs of views turned so many times. Stages "Learned keypoints" and "Learned matches"."""
        ways_up = [WayUp(view, turns[view]) for view in views_of(pairs)]
        features = self.detect(ways_up, self.config.features, "Learned keypoints", progress)

        def match_pair(pair: Pair) -> Correspondences:
            both = WayUp(pair.i, turns[pair.i]), WayUp(pair.j, turns[pair.j])
            of_i, of_j = (features[way_up] for way_up in both)
            what = f"learned matches {turns[pair.i]} {turns[pair.j]}"
            kept = self._notebook.read(what, (pair.i, pair.j))
            if kept is None:
                found = match_learned(self.networks, of_i, of_j)
                kept = {"index_pairs": found.index_pairs, "scores": found.scores}
                self._notebook.write(what, (pair.i, pair.j), kept)
            rows_i, rows_j = kept["index_pairs"].reshape(-1, 2).T
            return Correspondences(of_i.pixels[rows_i], of_j.pixels[rows_j], np.ones(len(rows_i)))

        return stage_in_threads("Learned matches", "pairs", match_pair, pairs, progress)


class LearnedMatcher:
    """Photos as they stand: wide changes of viewpoint and light, little texture. Seconds a photo and a pair
    on a CPU core."""

    def __init__(self, keypoints: LearnedKeypoints) -> None:
        self._keypoints = keypoints

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        """Implements `PairMatcher`."""
        return self._keypoints.matches(pairs, dict.fromkeys(views_of(pairs), 0), progress)


class TurnedMatcher:
    """Pairs of photos of which one is rolled against the other by 90 degrees or more; nothing of those that
    look more alike as they stand. The networks know no roll, but descriptors of turned photos tell it in
    milliseconds a pair. A photo has other keypoints when it is turned: they lie up to some pixels beside
    those that were found upright, so tracks chain through the ones or the others."""

    def __init__(self, keypoints: LearnedKeypoints, config: RollConfig) -> None:
        self._keypoints, self._config = keypoints, config

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        """Implements `PairMatcher`."""
        ways_up = [WayUp(view, turns) for view in views_of(pairs) for turns in range(4)]
        seen = self._keypoints.detect(ways_up, self._config.features, "Ways up", progress)
        likenesses = {
            pair: likeness(
                seen[WayUp(pair.i)], [seen[WayUp(pair.j, turn)] for turn in range(4)], self._config
            )
            for pair in pairs
        }
        out: dict[Pair, Correspondences] = {}
        for turns in turns_of_views(likenesses):
            inside = [pair for pair in pairs if pair.i in turns and pair.j in turns]
            rolled = [pair for pair in inside if turns[pair.i] != turns[pair.j]]
            if rolled:
                out |= self._keypoints.matches(rolled, turns, progress)
        return out
