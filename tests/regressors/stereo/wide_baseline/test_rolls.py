"""Which photos are turned against which, told by descriptors alone."""

import numpy as np
import pytest

from dust3r_sfm.matching.learned import LearnedFeatures
from dust3r_sfm.regressors.stereo.wide_baseline.rolls import Likeness, RollConfig, likeness, turns_of_views
from dust3r_sfm.types import Pair

CONFIG = RollConfig()


def features(descriptors: np.ndarray) -> LearnedFeatures:
    count = len(descriptors)
    unit = descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)
    return LearnedFeatures(
        np.zeros((count, 2)), unit.astype(np.float16), np.ones(count), np.eye(3), (512, 384)
    )


def ways_up(alike: int, turns: int, count: int = 200) -> tuple[LearnedFeatures, list[LearnedFeatures]]:
    """A photo, and another that has `alike` of its descriptors when turned so, and strange ones else."""
    rng = np.random.default_rng(turns)
    seen = rng.normal(size=(count, 128))
    others = [rng.normal(size=(count, 128)) for _ in range(4)]
    others[turns][:alike] = seen[:alike] + 0.3 * rng.normal(size=(alike, 128))
    return features(seen), [features(other) for other in others]


@pytest.mark.parametrize("turns", range(4))
def test_photos_are_most_alike_the_right_way_up(turns: int) -> None:
    found = likeness(*ways_up(60, turns), CONFIG)
    assert found == Likeness(turns, found.matches, sure=True)
    assert 55 <= found.matches <= 75


@pytest.mark.parametrize("alike", [0, 10])
def test_photos_with_little_in_common_are_not_sure(alike: int) -> None:
    assert not likeness(*ways_up(alike, 2), CONFIG).sure


def test_alike_both_ways_is_not_sure() -> None:
    """As of a chequered floor."""
    one, others = ways_up(60, 2)
    assert not likeness(one, [others[2], others[1], others[2], others[3]], CONFIG).sure


def sure(turns: int, matches: int = 50) -> Likeness:
    return Likeness(turns, matches, sure=True)


def test_each_photo_has_one_turn() -> None:
    """Photo 3 stands on its head against 0, photo 4 as 3 does; 1 lies on its side; 5 and 6 are elsewhere."""
    found = {
        Pair(0, 3): sure(2),
        Pair(1, 3): sure(1),
        Pair(3, 4): sure(0),
        Pair(5, 6): sure(3),
        Pair(0, 5): Likeness(1, 100, sure=False),
    }
    assert turns_of_views(found) == [{0: 0, 3: 2, 4: 2, 1: 1}, {5: 0, 6: 3}]


def test_the_surer_pairs_decide() -> None:
    found = {Pair(0, 1): sure(2, 90), Pair(1, 2): sure(0, 80), Pair(0, 2): sure(1, 25)}
    assert turns_of_views(found) == [{0: 0, 1: 2, 2: 2}]


def test_nobody_sure_nothing_turned() -> None:
    assert turns_of_views({Pair(0, 1): Likeness(2, 15, sure=False)}) == []
