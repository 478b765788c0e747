"""In which order pairs are predicted: equal shapes together, and so that few encoded images suffice."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar, runtime_checkable

from dust3r_sfm.types import Pair, View

Key = TypeVar("Key", bound=Hashable)
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


@runtime_checkable
class HasBytes(Protocol):
    @property
    def nbytes(self) -> int: ...


Held = TypeVar("Held", bound=HasBytes)


class DeviceCache(Generic[Key, Held]):
    """What was used last, on the device, in `limit` bytes; `load` brings or makes the rest."""

    def __init__(self, limit: int, load: Callable[[Key], Held]) -> None:
        self._limit = limit
        self._load = load
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._bytes = 0

    def __getitem__(self, key: Key) -> Held:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        loaded = self._load(key)
        self._held[key] = loaded
        self._bytes += loaded.nbytes
        while self._bytes > self._limit and len(self._held) > 1:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
        return loaded
