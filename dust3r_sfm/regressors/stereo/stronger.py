"""Which pairs are worth stronger matching: those between groups of photos that plain SIFT leaves apart."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.geometry.graph import two_edge_connected
from dust3r_sfm.regressors.stereo.two_view import Epipolar
from dust3r_sfm.types import Correspondences, Pair


@dataclass(frozen=True)
class StrongerConfig:
    """When plain matches do not suffice, and how much may be done about it."""

    firm_inliers: int = 50
    """Epipolar inliers of a pair that holds two photos together. Mistaken pairs rarely have so many; and with
    fewer, other photos can hardly check the pair's place."""
    enough_inliers: int = 200
    """Epipolar inliers from which on a pair gains nothing by more."""
    min_inliers: int = 30
    """Epipolar inliers of a pair that stronger matching alone speaks for, where other photos will check it.
    Photos of different rooms give 40 to 80: that many are no proof, and without the other photos' checks no
    evidence."""
    min_inliers_unchecked: int = 150
    """The same of two photos that are all there are."""
    learned_budget_s: float = 180.0
    """Seconds on two CPU cores that learned matches may take, by what they are expected to."""
    learned_image_s: float = 1.5
    """Expected of each photo."""
    learned_pair_s: float = 1.0
    """Expected of each pair."""
    affine_budget_s: float = 600.0
    """The same for affine SIFT, the way without weights."""
    affine_image_s: float = 30.0
    """Expected of each photo."""
    affine_pair_s: float = 3.0
    """Expected of each pair."""


def select_weak_pairs(
    num_views: int, wanted: Iterable[Pair], epipolar: Mapping[Pair, Epipolar], config: StrongerConfig
) -> list[Pair]:
    """Of the wanted pairs those between views that firm pairs do not hold together twice over, the most
    promising first: within reach of what is joined already, then by the inliers there are."""
    firm = [pair for pair, found in epipolar.items() if found.inliers >= config.firm_inliers]
    ends = np.array([(pair.i, pair.j) for pair in firm], dtype=np.int64).reshape(-1, 2)
    labels = two_edge_connected(ends[:, 0], ends[:, 1], num_views) if len(ends) else np.arange(num_views)

    def inliers(pair: Pair) -> int:
        return epipolar[pair].inliers if pair in epipolar else 0

    apart = [pair for pair in wanted if labels[pair.i] != labels[pair.j]]
    weak = [pair for pair in apart if inliers(pair) < config.enough_inliers]
    return sorted(weak, key=lambda pair: (-inliers(pair), abs(pair.i - pair.j), pair))


def within_budget(pairs: Sequence[Pair], image_s: float, pair_s: float, budget_s: float) -> list[Pair]:
    """As many of the pairs, the first ones, as are expected to take no longer, with the photos they need. By
    expectation and not by the clock, so that the same photos give the same pairs."""
    chosen: list[Pair] = []
    views: set[int] = set()
    for pair in pairs:
        larger = views | {pair.i, pair.j}
        if image_s * len(larger) + pair_s * (len(chosen) + 1) <= budget_s:
            chosen.append(pair)
            views = larger
    return chosen


def select_believable(
    num_views: int, epipolar: Mapping[Pair, Epipolar], plain: Collection[Pair], config: StrongerConfig
) -> dict[Pair, Epipolar]:
    """Pairs with enough inliers to be handed on; those that plain matches spoke for (`plain`) as they are."""
    least = config.min_inliers if num_views > 2 else config.min_inliers_unchecked
    return {pair: found for pair, found in epipolar.items() if pair in plain or found.inliers >= least}


def joined_matches(plain: Correspondences | None, stronger: Correspondences) -> Correspondences:
    """Both: neither finds all that the other does, and keypoints of one kind are never at the other's."""
    if plain is None or not len(plain):
        return stronger
    return Correspondences(
        np.concatenate([plain.pixels_i, stronger.pixels_i]),
        np.concatenate([plain.pixels_j, stronger.pixels_j]),
        np.concatenate([plain.weights, stronger.weights]),
    )
