"""The order of pairs: equal shapes together, and few images loaded."""

import torch
from seeded_networks import noise_views

from dust3r_sfm.regressors.network.schedule import DeviceCache, pairs_by_shape
from dust3r_sfm.types import Pair


def complete(count: int) -> list[Pair]:
    return [Pair(i, j) for i in range(count) for j in range(count) if i != j]


def test_groups_have_one_shape_for_each_side_and_lose_no_pair() -> None:
    views = noise_views([(64, 48), (48, 64), (64, 48), (48, 64)])
    groups = pairs_by_shape(views, complete(4), 2)
    assert len(groups) == 4
    for group in groups:
        assert len({(views[pair.i].size, views[pair.j].size) for pair in group}) == 1
    assert sorted(pair for group in groups for pair in group) == sorted(complete(4))


def loads(pairs: list[Pair], images: int) -> int:
    loaded: list[int] = []

    def load(index: int) -> torch.Tensor:
        loaded.append(index)
        return torch.zeros(10)

    cache = DeviceCache(images * 40, load)
    for pair in pairs:
        cache[pair.i], cache[pair.j]
    return len(loaded)


def test_a_complete_graph_loads_few_images_more_than_once() -> None:
    """40 images of which 10 are held: 8 blocks of 5, so 36 squares of at most 10 images."""
    count, held = 40, 10
    views = noise_views([(16, 16)] * count)
    (ordered,) = pairs_by_shape(views, complete(count), held)
    assert loads(ordered, held) <= 36 * held
    assert loads(complete(count), held) > 1000


def test_with_room_for_all_each_is_loaded_once() -> None:
    assert loads(complete(12), 12) == 12


def test_a_cache_too_small_for_anything_still_gives_what_is_asked() -> None:
    cache = DeviceCache(1, lambda index: torch.full((4,), float(index)))
    assert [cache[k][0].item() for k in (0, 1, 0)] == [0.0, 1.0, 0.0]
