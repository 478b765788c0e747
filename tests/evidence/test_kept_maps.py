"""The places of each view against a naive twin that sorts all claims at the end."""

import numpy as np
import pytest

from dust3r_sfm.evidence import EvidenceConfig
from dust3r_sfm.evidence.kept_maps import Claim, Places
from dust3r_sfm.types import Pair

CONFIG = EvidenceConfig(kept_maps=5)


def all_claims(views: int, seed: int) -> list[Claim]:
    """Both views of all pairs, strengths with many ties, and some pairs without their swapped one."""
    rng = np.random.default_rng(seed)
    pairs = {Pair(i, j) for i in range(views) for j in range(views) if i != j and rng.random() < 0.8}
    claims = []
    for pair in sorted(pairs):
        weakness = -rng.integers(1, 12, 2).astype(float)
        claims.append(Claim(False, float(weakness[0]), pair, pair.i))
        claims.append(Claim(pair.swap() in pairs, float(weakness[1]), pair, pair.j))
    return claims


def best(claims: list[Claim]) -> dict[int, tuple[Pair, ...]]:
    found = {}
    for view in {claim.view for claim in claims}:
        first, *others = sorted(claim for claim in claims if claim.view == view)[: CONFIG.kept_maps]
        least = CONFIG.min_map_share * first.weakness
        rest = CONFIG.always_kept_maps - 1
        worth_it = [c for c in others[rest:] if not c.redundant and c.weakness <= least]
        found[view] = tuple(c.pair for c in [first, *others[:rest], *worth_it])
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_best_are_kept_whatever_the_order(seed):
    claims = all_claims(7, seed)
    np.random.default_rng(seed).shuffle(claims)
    places = Places(CONFIG)
    holding = set()
    for claim in claims:
        held, gone = places.take([claim])
        holding |= set(held)
        assert set(gone) <= holding, "only what was held gives way"
        holding -= set(gone)
    assert places.by_view() == best(claims)
    assert holding == set(places.claims())


def test_a_map_in_the_view_s_own_frame_comes_first():
    places = Places(EvidenceConfig(kept_maps=1))
    other = Claim(True, -9.0, Pair(1, 0), 0)
    own = Claim(False, -1.0, Pair(0, 1), 0)
    assert places.take([other]) == ([other], [])
    assert places.take([own]) == ([own], [other])
    assert places.take([other]) == ([], [])


def test_what_says_little_beside_the_best_gives_way():
    """But three stay: the best may turn out wrong."""
    places = Places(EvidenceConfig(kept_maps=10))
    small = [Claim(False, -1.0 - 0.01 * k, Pair(0, k), 0) for k in range(1, 7)]
    assert places.take(small) == (small, [])
    great = Claim(False, -6.0, Pair(0, 9), 0)
    assert places.take([great]) == ([great], small[3::-1])
    assert places.by_view() == {0: (Pair(0, 9), Pair(0, 6), Pair(0, 5))}
    assert places.take([small[0]]) == ([], [])


def test_vacated_places_are_free():
    places = Places(EvidenceConfig(kept_maps=2))
    claims = [Claim(False, -float(k), Pair(0, k), 0) for k in (1, 2)]
    places.take(claims)
    places.vacate({Pair(0, 2)})
    assert places.by_view() == {0: (Pair(0, 1),)}
