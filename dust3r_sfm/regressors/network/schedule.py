"""In which order pairs are predicted: equal shapes together, and so that few encoded images suffice."""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor

from dust3r_sfm.types import Pair, View

Shapes = tuple[tuple[int, int], tuple[int, int]]


def pairs_by_shape(views: Sequence[View], pairs: Sequence[Pair], images_at_once: int) -> list[list[Pair]]:
    """Groups in which all first images have one size, and all second ones.

    Within a group pairs go square by square through the table of all pairs: a square of t x t pairs needs
    2 t images, so all N (N - 1) pairs load about N^2 / t images instead of N^2. Both directions of
    a pair are neighbours.
    """
    groups: dict[Shapes, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((views[pair.i].size, views[pair.j].size), []).append(pair)
    tile = max(1, images_at_once // 2)
    return [sorted(group, key=lambda pair: _tile_order(pair, tile)) for group in groups.values()]


def _tile_order(pair: Pair, tile: int) -> tuple[int, ...]:
    low, high = sorted((pair.i, pair.j))
    return low // tile, high // tile, low, high, pair.i


class TokenCache:
    """The encoded images used last, on the device, in `limit` bytes; `load` brings others."""

    def __init__(self, limit: int, load: Callable[[int], Tensor]) -> None:
        self._limit = limit
        self._load = load
        self._held: OrderedDict[int, Tensor] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, index: int) -> Tensor:
        if index in self._held:
            self._held.move_to_end(index)
            return self._held[index]
        tokens = self._load(index)
        self._held[index] = tokens
        self._bytes += tokens.nbytes
        while self._bytes > self._limit and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        return tokens
