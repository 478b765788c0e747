"""Which depth maps of each view are kept, decided while pairs come in, whatever their order.

A view's maps compete for a fixed number of places. A map that gives way is gone, and rightly so: those
that displaced it stay better than it, so the best of all pairs are the best of the best so far. A map
that says little beside the best is not worth its place either, and never becomes so.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from dust3r_sfm.evidence.config import EvidenceConfig
from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.types import Pair


@dataclass(frozen=True, order=True)
class Claim:
    """That of a pair on a place among the maps of a view, better ones first.

    A view's own frame comes first: what pair (i, j) says of view j is `redundant` where the graph has pair
    (j, i), and only fills what is left of the first places, which are kept whatever they say (it counts where
    (j, i) turns out wrong, which a view with other maps can do without). Then `weakness`, minus the sum of
    the weights; ties go by pair."""

    redundant: bool
    weakness: float
    pair: Pair
    view: int


def claims_of(summary: PairSummary, pairs: Collection[Pair]) -> list[Claim]:
    """A claim for each view that the pair knows something of, given all pairs of the graph."""
    pair = summary.pair
    own = Claim(False, -float(summary.weights_i.sum()), pair, pair.i)
    other = Claim(pair.swap() in pairs, -float(summary.weights_j.sum()), pair, pair.j)
    return [claim for claim in (own, other) if claim.weakness < 0]


class Places:
    """The claims that hold: at most `EvidenceConfig.kept_maps` a view; see `_best_claims`."""

    def __init__(self, config: EvidenceConfig) -> None:
        self._config = config
        self._of_view: dict[int, list[Claim]] = {}

    def take(self, claims: Iterable[Claim]) -> tuple[list[Claim], list[Claim]]:
        """Which of these claims hold now, and which older ones had to give way to them."""
        held, gone = [], []
        for claim in claims:
            places = self._of_view.setdefault(claim.view, [])
            insort(places, claim)
            holding = _best_claims(places, self._config)
            if claim in holding:
                held.append(claim)
            gone += [each for each in places if each not in holding and each != claim]
            self._of_view[claim.view] = holding
        return held, gone

    def vacate(self, pairs: Collection[Pair]) -> None:
        """Takes all claims of some pairs back."""
        for view, places in self._of_view.items():
            self._of_view[view] = [claim for claim in places if claim.pair not in pairs]

    def claims(self) -> list[Claim]:
        return [claim for places in self._of_view.values() for claim in places]

    def by_view(self) -> Mapping[int, tuple[Pair, ...]]:
        """The pairs whose maps of a view are kept, best first."""
        return {view: tuple(claim.pair for claim in places) for view, places in self._of_view.items()}


def _best_claims(places: list[Claim], config: EvidenceConfig) -> list[Claim]:
    """Of a view's claims, best first: the first ones, and of the others those that say nearly as much."""
    always, most = config.always_kept_maps, config.kept_maps
    least = config.min_map_share * -places[0].weakness
    telling = [claim for claim in places[always:most] if not claim.redundant and -claim.weakness >= least]
    return places[: min(always, most)] + telling
