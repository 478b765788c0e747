"""Which pairs are matched again, and how many."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar, TwoViewConfig
from dust3r_sfm.regressors.stereo.wide_baseline.rounds import (
    Budget,
    MatchingRound,
    PairMatches,
    StrongerConfig,
    add_stronger_matches,
    join_matches,
    label_joined_twice,
    select_believable,
    select_closing_pairs,
    select_few_of_each,
    select_weak_pairs,
    select_within_budget,
)
from dust3r_sfm.types import Correspondences, Pair, View

CONFIG = StrongerConfig(firm_inliers=50, enough_inliers=200)


def joined_by(*strengths: tuple[int, int, int]) -> dict[Pair, Epipolar]:
    return {Pair(i, j): Epipolar(np.eye(3), inliers, np.eye(3), 0.0, 0, 0) for i, j, inliers in strengths}


def complete(count: int) -> list[Pair]:
    return [Pair(i, j) for i in range(count) for j in range(i + 1, count)]


def weak(count: int, found: dict[Pair, Epipolar]) -> list[Pair]:
    """Where nobody has placed anything yet."""
    firm = [pair for pair, one in found.items() if one.inliers >= CONFIG.firm_inliers]
    return select_weak_pairs(label_joined_twice(firm, range(count)), complete(count), found, CONFIG)


def test_what_two_chains_of_firm_pairs_join_is_left_alone() -> None:
    assert weak(3, joined_by((0, 1, 50), (1, 2, 60), (0, 2, 70))) == []


def test_pairs_between_groups_come_first_by_what_they_have() -> None:
    """A triangle and a photo that one weak and one strong pair join to it: only the weak ones are asked
    again."""
    found = joined_by((0, 1, 90), (1, 2, 90), (0, 2, 90), (0, 3, 300), (1, 3, 20))
    assert weak(4, found) == [Pair(1, 3), Pair(2, 3)]


def test_a_chain_is_not_firm_enough() -> None:
    found = joined_by((0, 1, 90), (1, 2, 60))
    assert weak(3, found) == [Pair(0, 1), Pair(1, 2), Pair(0, 2)]


def test_what_was_placed_together_needs_no_firm_pairs() -> None:
    """Two photos that are placed together, one that two firm pairs hold to either, and one that one holds."""
    labels = label_joined_twice([Pair(0, 2), Pair(1, 2), Pair(2, 3)], [0, 0, 1, 2]).tolist()
    assert labels[0] == labels[1] == labels[2] != labels[3]


def test_a_view_takes_part_in_few_pairs_of_a_round() -> None:
    assert select_few_of_each(complete(4), 2) == [Pair(0, 1), Pair(0, 2), Pair(1, 2)]


def test_the_budget_pays_for_photos_once_and_for_each_pair() -> None:
    pairs = [Pair(0, 1), Pair(0, 2), Pair(3, 4), Pair(1, 2)]
    assert select_within_budget(pairs, Budget(image_s=2.0, pair_s=1.0, most_s=9.0)) == [
        Pair(0, 1),
        Pair(0, 2),
        Pair(1, 2),
    ]
    assert select_within_budget(pairs, Budget(2.0, 1.0, 4.9)) == []
    assert select_within_budget(pairs[3:], Budget(2.0, 1.0, 9.0), before=pairs[:2]) == [Pair(1, 2)]
    assert select_within_budget(pairs[2:], Budget(2.0, 1.0, 8.0), before=pairs[:2]) == []


class Asked:
    """A matcher that finds nothing and remembers of which pairs."""

    def __init__(self) -> None:
        self.pairs: list[Pair] = []

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        self.pairs.extend(pairs)
        return {}


def asked_by(attempt: MatchingRound, asked: Asked, known: PairMatches) -> list[Pair]:
    views = [View(f"{k}.png", np.zeros((4, 4, 3), np.uint8), np.eye(3), (4, 4)) for k in range(3)]
    found = add_stronger_matches(known, attempt, views, [], complete(3), TwoViewConfig(), CONFIG, Silent())
    assert found.epipolar == known.epipolar
    return asked.pairs


def test_every_pair_is_asked_for_where_that_is_wanted() -> None:
    triangle = PairMatches({}, joined_by((0, 1, 50), (1, 2, 60), (0, 2, 70)))
    nothing = Budget(1.0, 1.0, most_s=0.0)
    asked = Asked()
    assert asked_by(MatchingRound(asked, nothing), asked, triangle) == []
    assert asked_by(MatchingRound(asked, nothing, every=True), asked, triangle) == complete(3)


class Joining:
    """A matcher that sees the same points in every photo, and remembers of which pairs it was asked."""

    def __init__(self) -> None:
        self.pairs: list[Pair] = []
        self._points = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 7], (300, 3))

    def match(self, pairs: Sequence[Pair], progress: Progress) -> dict[Pair, Correspondences]:
        self.pairs.extend(pairs)
        return {pair: Correspondences(self.seen(pair.i), self.seen(pair.j), np.ones(300)) for pair in pairs}

    def seen(self, view: int) -> np.ndarray:
        moved = self._points - [0.4 * view, 0.1 * view**2, 0.0]
        return 256.0 + 400.0 * moved[:, :2] / moved[:, 2:]


def asked_in_rounds(placed: list[int] | None) -> list[Pair]:
    views = [View(f"{k}.png", np.zeros((512, 512, 3), np.uint8), np.eye(3), (512, 512)) for k in range(5)]
    features = [Features(np.zeros((0, 2)), np.zeros((0, 128), np.uint8), 1.0)] * 5
    matcher, rounds = Joining(), replace(CONFIG, round_partners=2)
    attempt = MatchingRound(matcher, Budget(1.0, 1.0, most_s=1000.0))
    nothing, two_view = PairMatches({}, {}), TwoViewConfig()
    found = add_stronger_matches(
        nothing, attempt, views, features, complete(5), two_view, rounds, Silent(), placed
    )
    assert set(found.epipolar) == set(matcher.pairs)
    return matcher.pairs


def test_what_an_earlier_round_has_joined_is_not_asked_again() -> None:
    """The first round makes a ring of the five photos."""
    assert len(asked_in_rounds(None)) < 10


def test_only_pairs_between_what_was_not_placed_together_are_asked() -> None:
    """Two of them hold the fifth photo to the other four; then its two partners, so that points are seen in
    three."""
    assert asked_in_rounds([0, 0, 0, 0, 1]) == [Pair(3, 4), Pair(2, 4), Pair(2, 3)]


def test_pairs_that_close_triangles_about_a_lone_view_are_between_its_partners() -> None:
    matched = [Pair(0, 4), Pair(1, 4), Pair(2, 3)]
    assert select_closing_pairs([0, 0, 0, 0, 1], matched, complete(5)) == [Pair(0, 1)]
    assert select_closing_pairs([0, 1, 1, 0, 2], matched, complete(5)) == [], (
        "its partners are apart themselves"
    )
    assert select_closing_pairs([0, 0, 0, 1, 1], matched, complete(5)) == [], "no view is alone"


def test_two_photos_alone_need_more_than_three() -> None:
    found = joined_by((0, 1, 60))
    assert select_believable(3, found, set(), StrongerConfig()) == found
    assert select_believable(2, found, set(), StrongerConfig()) == {}
    assert select_believable(2, found, {Pair(0, 1)}, StrongerConfig()) == found


def test_matches_of_both_kinds_are_kept() -> None:
    rng = np.random.default_rng(0)
    some, more = (
        Correspondences(rng.uniform(size=(n, 2)), rng.uniform(size=(n, 2)), np.ones(n)) for n in (3, 4)
    )
    assert len(join_matches(some, more)) == 7
    assert join_matches(None, more) is more
