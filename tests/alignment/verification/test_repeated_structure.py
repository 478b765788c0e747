"""Two places that look alike: rejected pairs that say the same of the world are told from those that are just
wrong."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.relative_pose import RelativePose
from dust3r_sfm.alignment.verification.repeated_structure import (
    TWO_PLACES,
    RepeatedStructureConfig,
    find_repeated_structure,
)
from dust3r_sfm.evidence import PairSummary
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, Rigid

HERE, THERE = range(4), range(4, 8)
"""Views of one place, and views of another one that looks like it."""
DEPTH = 8.0
"""Of all that is seen, in world units."""
MISTAKEN_PLACE = rigid(rotation_from_vector(np.array([0.0, 0.4, 0.1])), np.array([3.0, 0.5, -1.0]))
"""Where what is THERE would be if both places were one: the motion that mistaken pairs move it by."""
CONFIG = RepeatedStructureConfig()
MOST = CONFIG.min_pairs


def cam_from_world() -> np.ndarray:
    rng = np.random.default_rng(0)
    poses = rigid(rotation_from_vector(0.3 * rng.standard_normal((8, 3))), rng.uniform(-1.0, 1.0, (8, 3)))
    poses[4:] = poses[4:] @ rigid(np.eye(3), np.array([-6.0, 0.0, 0.0]))
    return poses


POSES = cam_from_world()


def unit_of(pair: Pair) -> float:
    """World units that a unit of the pair is long: another one for each, as regressors have it."""
    return 0.5 + 0.1 * (3 * pair.i + pair.j)


def says(pair: Pair, world: Rigid | None = None, metric: bool = True) -> RelativePose:
    """What a pair says of its cameras, exactly; or as if view j's surroundings were moved by `world`."""
    j_from_world, unit = POSES[pair.j], unit_of(pair)
    if world is not None:
        j_from_world = j_from_world @ invert_rigid(world)
    j_from_i = j_from_world @ invert_rigid(POSES[pair.i])
    j_from_i[:3, 3] /= unit
    ones = np.ones(5)
    summary = PairSummary(
        pair=pair,
        geometry=PairGeometry.GENERAL,
        focal_i=None,
        focal_spread_i=np.inf,
        depth_i=DEPTH / unit * ones,
        weights_i=ones,
        points_j=np.zeros((5, 3)),
        weights_j=ones,
        matches=Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)),
        match_depth_i=np.zeros(0),
        num_correspondences=0,
    )
    return RelativePose(summary, j_from_i, metric, 1.0, 0.1)


def both_ways(pairs: Sequence[Pair]) -> list[Pair]:
    return [direction for pair in pairs for direction in (pair, pair.swap())]


USED = both_ways([Pair(i, j) for place in (HERE, THERE) for i, j in itertools.combinations(place, 2)])
"""Pairs within both places, which hold the scene."""
ACROSS = [Pair(i, j) for i in HERE for j in THERE]


def found(rejected: Sequence[RelativePose]) -> dict[Pair, str]:
    """Of a scene with all of its cameras in their true places."""
    component = Component(
        members=tuple(range(8)),
        cameras=(Camera.pinhole(64, 48, 60.0, 60.0, 32.0, 24.0),) * 8,
        cam_from_world=POSES,
        scales={pair: unit_of(pair) for pair in USED},
        residual_px=dict.fromkeys(USED, 0.1),
    )
    return find_repeated_structure(component, [says(pair) for pair in USED] + list(rejected), CONFIG)


def moved(pair: Pair) -> Rigid:
    """What mistaken pairs move: what is THERE by the motion, or what is HERE the other way."""
    return MISTAKEN_PLACE if pair.j in THERE else invert_rigid(MISTAKEN_PLACE)


def mistaken(pairs: Sequence[Pair]) -> list[RelativePose]:
    return [says(pair, moved(pair)) for pair in pairs]


def wrong_by_chance(pairs: Sequence[Pair]) -> list[RelativePose]:
    rng = np.random.default_rng(5)
    return [
        says(pair, rigid(rotation_from_vector(rng.uniform(-1.5, 1.5, 3)), rng.uniform(-4.0, 4.0, 3)))
        for pair in pairs
    ]


def test_pairs_that_mistake_one_place_for_the_other_are_reported_together() -> None:
    """Whichever views they join, and in whatever unit each of them speaks, they move the world alike."""
    pairs = ACROSS[::3]
    assert found(mistaken(pairs)) == dict.fromkeys(
        pairs, f"it agrees with {len(pairs) - 1} other rejected pairs: {TWO_PLACES}"
    )


def test_pairs_that_are_wrong_by_chance_have_nothing_in_common() -> None:
    assert found(wrong_by_chance(ACROSS)) == {}


def test_mistaken_pairs_stand_out_among_those_that_are_wrong_by_chance() -> None:
    reported = found(mistaken(ACROSS[:5]) + wrong_by_chance(ACROSS[5:]))
    assert list(reported) == ACROSS[:5]


def test_a_pair_that_leads_back_says_the_inverse_of_the_same() -> None:
    """It moves what is HERE to what is THERE."""
    pairs = [ACROSS[0], ACROSS[5].swap(), ACROSS[10], ACROSS[15].swap()]
    assert set(found(mistaken(pairs))) == set(pairs)


@pytest.mark.parametrize("count", [MOST - 1, MOST])
def test_both_directions_of_a_pair_are_one_opinion(count: int) -> None:
    """They see the same two photos. So two pairs do not become four by being asked both ways."""
    pairs = both_ways(ACROSS[::4][:count])
    reported = found(mistaken(pairs))
    assert set(reported) == (set(pairs) if count == MOST else set())
    assert all(f"with {count - 1} other" in text for text in reported.values())


def test_two_mistakes_are_two_groups() -> None:
    """Of which the larger is counted without the other."""
    elsewhere = rigid(rotation_from_vector(np.array([0.0, -1.0, 0.0])), np.array([-2.0, 3.0, 0.0]))
    first, second = ACROSS[:5], ACROSS[8:11]
    reported = found(mistaken(first) + [says(pair, elsewhere) for pair in second])
    assert set(reported) == {*first, *second}
    assert all("with 4 other" in reported[pair] for pair in first)
    assert all("with 2 other" in reported[pair] for pair in second)


def scene_size() -> float:
    """Median distance of the cameras from their middle."""
    centres = invert_rigid(POSES)[:, :3, 3]
    return float(np.median(np.linalg.norm(centres - centres.mean(axis=0), axis=1)))


def test_who_was_reported_with_others_is_not_counted_again() -> None:
    """Pairs that say the same but for a shift, in steps of nearly what is allowed. Most agree with those at
    0, which are reported with their neighbours on both sides. The one that is left had two of these in reach,
    and now is alone."""
    steps = [-1] * 2 + [0] * 4 + [1] * 2 + [2]
    shifts = [np.array([0.9 * CONFIG.same_place * scene_size() * step, 0.0, 0.0]) for step in steps]
    pairs = ACROSS[: len(steps)]
    rejected = [
        says(pair, rigid(np.eye(3), shift) @ MISTAKEN_PLACE)
        for pair, shift in zip(pairs, shifts, strict=True)
    ]
    reported = found(rejected)
    assert list(reported) == pairs[:-1]
    assert all("with 7 other" in text for text in reported.values())


@pytest.mark.parametrize(
    ("turn_deg", "shift", "same"),
    [(0.9, 0.0, True), (1.1, 0.0, False), (0.0, 0.9, True), (0.0, 1.1, False)],
    ids=["a little turned", "turned", "a little shifted", "shifted"],
)
def test_motions_are_the_same_up_to_a_turn_and_a_share_of_the_scene(
    turn_deg: float, shift: float, same: bool
) -> None:
    """Both in units of what is allowed. The turn is about what the pair sees, far before its camera: there
    nothing is shifted by it, and that is where shifts are looked at."""
    pairs = ACROSS[:3]
    seen = (invert_rigid(POSES[pairs[0].j]) @ [0.0, 0.0, DEPTH, 1.0])[:3]
    about = rigid(np.eye(3), (MISTAKEN_PLACE @ [*seen, 1.0])[:3])
    turn = rotation_from_vector(np.radians([turn_deg * CONFIG.same_turn_deg, 0.0, 0.0]))
    step = rigid(turn, np.array([shift * CONFIG.same_place * scene_size(), 0.0, 0.0]))
    other = about @ step @ invert_rigid(about) @ MISTAKEN_PLACE
    reported = found([says(pairs[0], other), *mistaken(pairs[1:])])
    assert set(reported) == (set(pairs) if same else set())


def test_what_says_nothing_of_positions_or_has_no_depth_to_compare_is_not_asked() -> None:
    """Mere turns have no unit. And a view that is the first of no used pair has no depth in the world that a
    rejected pair's unit could be had from."""
    turns = [says(pair, moved(pair), metric=False) for pair in ACROSS[:5]]
    assert found(turns) == {}
    lonely = [pair for pair in USED if pair.i not in HERE]
    component = Component(
        members=tuple(range(8)),
        cameras=(Camera.pinhole(64, 48, 60.0, 60.0, 32.0, 24.0),) * 8,
        cam_from_world=POSES,
        scales={pair: unit_of(pair) for pair in lonely},
        residual_px=dict.fromkeys(lonely, 0.1),
    )
    measured = [says(pair) for pair in lonely] + mistaken(ACROSS)
    assert find_repeated_structure(component, measured, CONFIG) == {}
