"""Matches of all pairs: by plain SIFT, and then more closely of pairs between photos that it leaves apart."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Notebook
from dust3r_sfm.regressors.stereo.config import CloserWay, StereoConfig, closer_ways
from dust3r_sfm.regressors.stereo.epipolar import PairMatches, epipolar_geometries
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.matching import drop_repeats, match_descriptors, unit_descriptors
from dust3r_sfm.regressors.stereo.stage import stage_in_threads
from dust3r_sfm.regressors.stereo.wide_baseline.learned_matchers import (
    LearnedKeypoints,
    LearnedMatcher,
    TurnedMatcher,
)
from dust3r_sfm.regressors.stereo.wide_baseline.matchers import AffineMatcher, PairMatcher
from dust3r_sfm.regressors.stereo.wide_baseline.rounds import MatchingRound, add_stronger_matches
from dust3r_sfm.types import Correspondences, Pair, View


def match_plainly(
    views: Sequence[View],
    features: Sequence[Features],
    pairs: Sequence[Pair],
    config: StereoConfig,
    progress: Progress,
) -> PairMatches:
    """By SIFT as the photos stand. A stage "Matching" in pairs."""
    device = torch.device(config.device)
    descriptors = [unit_descriptors(found.descriptors, device) for found in features]

    def match_pair(pair: Pair) -> Correspondences:
        of_i, of_j = descriptors[pair.i], descriptors[pair.j]
        rows_i, rows_j = match_descriptors(of_i, of_j, config.max_ratio).T
        pixels_i, pixels_j = features[pair.i].pixels[rows_i], features[pair.j].pixels[rows_j]
        return drop_repeats(Correspondences(pixels_i, pixels_j, np.ones(len(rows_i))))

    matches = stage_in_threads("Matching", "pairs", match_pair, pairs, progress)
    return PairMatches(matches, epipolar_geometries(views, features, matches, config.two_view))


def match_closely(
    known: PairMatches,
    views: Sequence[View],
    features: Sequence[Features],
    wanted: Iterable[Pair],
    config: StereoConfig,
    learned: bool,
    placed: Sequence[int] | None,
    notebook: Notebook,
    progress: Progress,
) -> PairMatches:
    """What is known, and what the ways of `closer_ways` add. `placed`: see `add_stronger_matches`. Stages of
    their own."""
    ways = closer_ways(config, learned)
    matchers = _matchers(ways, config, views, notebook)
    for way in ways:
        attempt = MatchingRound(matchers[way], way.budget, way.every)
        known = add_stronger_matches(
            known, attempt, views, features, wanted, config.two_view, config.stronger, progress, placed
        )
    return known


def _matchers(
    ways: Sequence[CloserWay], config: StereoConfig, views: Sequence[View], notebook: Notebook
) -> Mapping[CloserWay, PairMatcher]:
    """Both learned ways share what they find in a photo."""
    device = torch.device(config.device)
    keypoints = LearnedKeypoints(config.learned, device, views, notebook)

    def matcher(way: CloserWay) -> PairMatcher:
        if way.kind == "affine":
            return AffineMatcher(config.wide, config.features, config.max_ratio, device, views, notebook)
        return LearnedMatcher(keypoints) if way.kind == "learned" else TurnedMatcher(keypoints, config.roll)

    return {way: matcher(way) for way in ways}
