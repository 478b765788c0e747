"""One descriptor a photo: what it must be by hand, and which photos it must bring together."""

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import pytest

from dust3r_sfm.retrieval import Vlad, VladConfig, fit_vlad, nearest_neighbours

PLACES, PHOTOS_A_PLACE, LOCAL = 12, 4, 120


def photos_of_places(seed: int = 0) -> list[np.ndarray]:
    """Four photos in turn of each of twelve places: half of a photo's local descriptors are its place's own
    under noise, half are of things that occur everywhere."""
    random = np.random.default_rng(seed)
    things = random.normal(size=(200, 32))
    everywhere = random.normal(size=(40, 32))
    photos = []
    for _ in range(PHOTOS_A_PLACE):
        for place in range(PLACES):
            own = things[place * 15 : place * 15 + 15]
            chosen = np.concatenate(
                [own[random.integers(15, size=60)], everywhere[random.integers(40, size=60)]]
            )
            photos.append((chosen + 0.3 * random.normal(size=chosen.shape)).astype(np.float32))
    return photos


def test_a_descriptor_by_hand() -> None:
    """Two words in the plane. Word (0, 0) gets (3, 0) and (0, 4), whose sum has direction (.6, .8); word
    (10, 10) gets (10, 9), off by (0, -1). Signed square roots of all four, then unit length."""
    vlad = Vlad(np.zeros(2), np.eye(2), np.array([[0.0, 0.0], [10.0, 10.0]]))
    found = vlad.describe(np.array([[3.0, 0.0], [0.0, 4.0], [10.0, 9.0]]))
    np.testing.assert_allclose(found, np.array([0.6**0.5, 0.8**0.5, 0.0, -1.0]) / 2.4**0.5, atol=1e-7)


def test_photos_of_one_place_are_nearest() -> None:
    photos = photos_of_places()
    vlad = fit_vlad(photos, VladConfig(words=24, dimensions=16))
    descriptors = np.stack([vlad.describe(photo) for photo in photos])
    near = nearest_neighbours(descriptors, PHOTOS_A_PLACE - 1).index
    places = np.arange(len(photos)) % PLACES
    assert (places[near] == places[:, None]).mean() > 0.97


@pytest.mark.parametrize("words", [1, 24])
def test_the_order_of_local_descriptors_does_not_matter(words: int) -> None:
    photos = photos_of_places()
    vlad = fit_vlad(photos, VladConfig(words=words, dimensions=16))
    shuffled = photos[0][np.random.default_rng(1).permutation(len(photos[0]))]
    np.testing.assert_allclose(vlad.describe(shuffled), vlad.describe(photos[0]), atol=1e-5)


def test_the_same_photos_and_seed_give_the_same_words() -> None:
    photos = photos_of_places()
    first, again = (fit_vlad(photos, VladConfig(words=8, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first.words, again.words)
    np.testing.assert_array_equal(first.describe(photos[5]), again.describe(photos[5]))
    other = fit_vlad(photos, VladConfig(words=8, seed=4))
    assert not np.array_equal(first.words, other.words)


def test_descriptors_are_of_unit_length_and_few_local_ones_make_few_words() -> None:
    photos = [photo[:10] for photo in photos_of_places()[:4]]
    vlad = fit_vlad(photos)
    assert len(vlad.words) == 40 // 16
    assert np.linalg.norm(vlad.describe(photos[0])) == pytest.approx(1.0, abs=1e-5)


def test_photos_without_local_descriptors_have_no_direction() -> None:
    photos = photos_of_places()
    blank = np.zeros((0, 32), np.float32)
    assert not fit_vlad([*photos, blank]).describe(blank).any()
    assert not fit_vlad([blank, blank]).describe(blank).any()
    assert np.isfinite(fit_vlad([blank, blank]).describe(photos[0])).all()


def test_equal_local_descriptors_do_no_harm() -> None:
    """A photo of nothing but sky: no variance at all."""
    photos = [np.ones((50, 8), np.float32)] * 3
    assert np.isfinite(fit_vlad(photos, VladConfig(words=4)).describe(photos[0])).all()


class LoadedWhenAsked(Sequence[np.ndarray]):
    def __init__(self, photos: list[np.ndarray]) -> None:
        self.photos, self.reads = photos, 0

    def __len__(self) -> int:
        return len(self.photos)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> list[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | list[np.ndarray]:
        self.reads += 1
        return self.photos[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[k] for k in range(len(self)))


def test_learning_reads_each_photo_once() -> None:
    photos = LoadedWhenAsked(photos_of_places())
    fit_vlad(photos, VladConfig(words=4))
    # the type checker of the tests reads a few more
    assert photos.reads < 1.2 * len(photos)
