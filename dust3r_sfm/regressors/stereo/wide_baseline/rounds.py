"""Which pairs are worth stronger matching: those between groups of photos that plain SIFT leaves apart."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from dust3r_sfm.geometry.graph import label_two_edge_components
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.stereo.epipolar import PairMatches, epipolar_geometries
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar, TwoViewConfig
from dust3r_sfm.regressors.stereo.wide_baseline.matchers import PairMatcher
from dust3r_sfm.types import Correspondences, Pair, View


@dataclass(frozen=True)
class Budget:
    """Seconds on two CPU cores that a way to match may take, by what it is expected to take."""

    image_s: float
    """Expected for each photo."""
    pair_s: float
    """Expected for each pair."""
    most_s: float
    """For all photos and pairs together."""


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
    round_partners: int = 6
    """Pairs of one view that are matched before it is asked again which ones are still apart: so many that
    few photos have nearly every witness there is."""
    learned: Budget = Budget(image_s=1.5, pair_s=1.0, most_s=180.0)
    """Of learned matches."""
    turned: Budget = Budget(image_s=1.0, pair_s=0.5, most_s=60.0)
    """Of learned matches of photos turned by quarters, after those: of most pairs no more is done than to
    see that neither is rolled."""
    affine: Budget = Budget(image_s=30.0, pair_s=3.0, most_s=600.0)
    """Of affine SIFT, the way without weights."""


@dataclass(frozen=True)
class MatchingRound:
    """One way to find more matches, and what it may cost; `every`: of all pairs, whatever that costs."""

    matcher: PairMatcher
    budget: Budget
    every: bool = False


def add_stronger_matches(
    known: PairMatches,
    attempt: MatchingRound,
    views: Sequence[View],
    features: Sequence[Features],
    wanted: Iterable[Pair],
    two_view: TwoViewConfig,
    config: StrongerConfig,
    progress: Progress,
    placed: Sequence[int] | None = None,
) -> PairMatches:
    """What is known, and what the attempt adds about pairs between views that are apart so far, or all: in
    rounds, as pairs of views that an earlier round has joined by more than they need are asked no more. In
    the end pairs between those partners of a view placed with no other that were placed together, whatever is
    known of them: only points found in three views tell how far away it stands.
    `placed`: views with equal numbers have been placed together already."""

    def add_more(known: PairMatches, pairs: Sequence[Pair]) -> PairMatches:
        found = attempt.matcher.match(pairs, progress)
        return _add_matches(known, found, views, features, two_view, config)

    if attempt.every:
        return add_more(known, list(wanted))
    firm = _select_strong(known, known.epipolar, config.firm_inliers)
    groups = range(len(views)) if placed is None else placed
    asked: list[Pair] = []
    while True:
        labels = label_joined_twice(firm + _select_strong(known, asked, config.enough_inliers), groups)
        weak = select_weak_pairs(labels, wanted, known.epipolar, config)
        new = select_few_of_each([pair for pair in weak if pair not in asked], config.round_partners)
        chosen = select_within_budget(new, attempt.budget, asked)
        if not chosen:
            break
        asked += chosen
        known = add_more(known, chosen)
    if placed is None:
        return known
    closing = select_closing_pairs(placed, [pair for pair in asked if pair in known.epipolar], wanted)
    closing = select_within_budget([p for p in closing if p not in asked], attempt.budget, asked)
    return add_more(known, closing) if closing else known


def _select_strong(known: PairMatches, pairs: Iterable[Pair], inliers: int) -> list[Pair]:
    return [pair for pair in pairs if pair in known.epipolar and known.epipolar[pair].inliers >= inliers]


def _add_matches(
    known: PairMatches,
    found: Mapping[Pair, Correspondences],
    views: Sequence[View],
    features: Sequence[Features],
    two_view: TwoViewConfig,
    config: StrongerConfig,
) -> PairMatches:
    joined = {pair: join_matches(known.matches.get(pair), more) for pair, more in found.items()}
    anew = epipolar_geometries(views, features, joined, two_view)
    anew = select_believable(len(views), anew, known.epipolar.keys(), config)
    return PairMatches({**known.matches, **{pair: joined[pair] for pair in anew}}, {**known.epipolar, **anew})


def label_joined_twice(firm: Sequence[Pair], groups: Sequence[int]) -> Int[np.ndarray, " views"]:
    """A label for each view: those with the same one are in one group, or firm pairs hold them together twice
    over."""
    count, edges = len(groups), [(pair.i, pair.j) for pair in firm]
    for hub, group in enumerate(sorted(set(groups))):
        # A ring, which holds by itself; through a node of its own, as two views alone make none.
        ring = [count + hub, *(view for view in range(count) if groups[view] == group)]
        edges += zip(ring, ring[1:] + ring[:1], strict=True)
    ends = np.array(edges, dtype=np.int64)
    return label_two_edge_components(ends[:, 0], ends[:, 1], 2 * count)[:count]


def select_weak_pairs(
    labels: Sequence[int] | Int[np.ndarray, " views"],
    wanted: Iterable[Pair],
    epipolar: Mapping[Pair, Epipolar],
    config: StrongerConfig,
) -> list[Pair]:
    """Of the wanted pairs those between views with different labels, the most promising first: by the inliers
    there are, then by how near they are in the order of the photos."""

    def inliers(pair: Pair) -> int:
        return epipolar[pair].inliers if pair in epipolar else 0

    apart = [pair for pair in wanted if labels[pair.i] != labels[pair.j]]
    weak = [pair for pair in apart if inliers(pair) < config.enough_inliers]
    return sorted(weak, key=lambda pair: (-inliers(pair), abs(pair.i - pair.j), pair))


def select_closing_pairs(
    groups: Sequence[int], matched: Iterable[Pair], wanted: Iterable[Pair]
) -> list[Pair]:
    """Of the wanted pairs those of one group that close a triangle with two matched ones about a view that is
    alone in its own."""
    size = Counter(groups)
    partners: dict[int, set[int]] = {}
    for pair in matched:
        for view, partner in ((pair.i, pair.j), (pair.j, pair.i)):
            if size[groups[view]] == 1:
                partners.setdefault(view, set()).add(partner)
    inside = [pair for pair in wanted if groups[pair.i] == groups[pair.j]]
    return [pair for pair in inside if any({pair.i, pair.j} <= found for found in partners.values())]


def select_few_of_each(pairs: Sequence[Pair], most: int) -> list[Pair]:
    """Without those, in this order, of which either view has so many already."""
    count: Counter[int] = Counter()
    chosen = []
    for pair in pairs:
        if max(count[pair.i], count[pair.j]) < most:
            chosen.append(pair)
            count.update((pair.i, pair.j))
    return chosen


def select_within_budget(pairs: Sequence[Pair], budget: Budget, before: Sequence[Pair] = ()) -> list[Pair]:
    """As many of the pairs, the first ones, as are expected to take no longer, with the photos they need and
    the pairs there were `before`. By expectation and not by the clock, so that the same photos give the same
    pairs."""
    chosen: list[Pair] = []
    views = {view for pair in before for view in (pair.i, pair.j)}
    for pair in pairs:
        larger = views | {pair.i, pair.j}
        count = len(before) + len(chosen) + 1
        if budget.image_s * len(larger) + budget.pair_s * count <= budget.most_s:
            chosen.append(pair)
            views = larger
    return chosen


def select_believable(
    num_views: int, epipolar: Mapping[Pair, Epipolar], plain: Collection[Pair], config: StrongerConfig
) -> dict[Pair, Epipolar]:
    """Pairs with enough inliers to be handed on; those that plain matches spoke for (`plain`) as they are."""
    least = config.min_inliers if num_views > 2 else config.min_inliers_unchecked
    return {pair: found for pair, found in epipolar.items() if pair in plain or found.inliers >= least}


def join_matches(plain: Correspondences | None, stronger: Correspondences) -> Correspondences:
    """Both: neither finds all that the other does, and keypoints of one kind are never at the other's."""
    if plain is None or not len(plain):
        return stronger
    return Correspondences(
        np.concatenate([plain.pixels_i, stronger.pixels_i]),
        np.concatenate([plain.pixels_j, stronger.pixels_j]),
        np.concatenate([plain.weights, stronger.weights]),
    )
