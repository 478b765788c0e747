"""Pairs by the looks of photos, through the whole pipeline: encoded once, announced, resumed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from known_room import KilledError, LookupRegressor, Room, make_room

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.evidence import EvidenceConfig
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.pipeline import Existing, Plan, ReconstructConfig, reconstruct_all
from dust3r_sfm.types import Pair, View
from dust3r_sfm.view_graph import Retrieval

CONFIG = ReconstructConfig(
    inference=InferenceConfig(EvidenceConfig(samples=128)),
    alignment=AlignmentConfig(bundle=None),
    graph=Retrieval(2, diversity=0.0),
)


@dataclass
class DescribingLookup(LookupRegressor):
    """Local descriptors say which room a photo shows."""

    encoded: list[str] = field(default_factory=list)

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        self.encoded += [view.name for view in views]
        return [{"room": np.array(self._place(view)[0] is self.rooms[0])} for view in views]

    def local_descriptors(self, encoding: Mapping[str, np.ndarray]) -> np.ndarray:
        random = np.random.default_rng(int(encoding["room"]))
        return random.normal(size=(30, 6)).astype(np.float32)


Use = Callable[..., DescribingLookup]


@pytest.fixture(scope="module")
def rooms() -> tuple[Room, Room]:
    return make_room("hall", 1, 3), make_room("attic", 2, 3)


@pytest.fixture
def photos(rooms: tuple[Room, Room], tmp_path: Path) -> Path:
    """In one folder and in turn, so that the order says nothing."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for room in rooms:
        room.write(tmp_path / "rooms")
        for path in (tmp_path / "rooms" / room.name).iterdir():
            path.rename(folder / f"{path.stem}_{room.name}.png")
    return folder


@pytest.fixture
def use(rooms: tuple[Room, Room], monkeypatch: pytest.MonkeyPatch) -> Use:
    def install(stop_after: int | None = None) -> DescribingLookup:
        regressor = DescribingLookup(rooms, stop_after)
        monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: regressor)
        return regressor

    return install


def test_photos_of_a_room_are_paired_and_the_rooms_joined_once(photos: Path, use: Use) -> None:
    """Photos 0, 2, 4 show the attic and 1, 3, 5 the hall: 3 + 3 pairs, and 1 between the rooms."""
    regressor = use()
    plans: list[Plan] = []
    result = reconstruct_all(photos, CONFIG, on_plan=plans.append)
    pairs = {pair for pair in regressor.predicted if pair.i < pair.j}
    inside = {Pair(0, 2), Pair(0, 4), Pair(2, 4), Pair(1, 3), Pair(1, 5), Pair(3, 5)}
    assert inside <= pairs
    assert len(pairs) == 7
    assert [len(scene.views) for scene in result.scenes] == [3, 3]
    assert (plans[0].num_images, plans[0].num_pairs) == (6, 7)
    assert len(regressor.encoded) == 6, "each photo once, for both of its uses"


def test_an_interrupted_run_goes_on_with_the_same_pairs(photos: Path, tmp_path: Path, use: Use) -> None:
    undisturbed = use()
    reconstruct_all(photos, CONFIG, tmp_path / "undisturbed")
    first = use(stop_after=5)
    with pytest.raises(KilledError):
        reconstruct_all(photos, CONFIG, tmp_path / "out")
    second = use()
    reconstruct_all(photos, CONFIG, tmp_path / "out", existing=Existing.RESUME)
    assert second.encoded == []
    assert sorted(first.predicted + second.predicted) == sorted(undisturbed.predicted)
    models = [tmp_path / out / "sparse" / "0" / "images.bin" for out in ("out", "undisturbed")]
    assert models[0].read_bytes() == models[1].read_bytes()


def test_a_regressor_that_cannot_leaves_nothing_behind(
    photos: Path, tmp_path: Path, rooms: tuple[Room, Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = LookupRegressor(rooms)
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: plain)
    with pytest.raises(InputError, match="regressor lookup: cannot tell which photos look alike"):
        reconstruct_all(photos, CONFIG, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_numbers_of_neighbours_are_other_options(photos: Path, tmp_path: Path, use: Use) -> None:
    use(stop_after=1)
    with pytest.raises(KilledError):
        reconstruct_all(photos, CONFIG, tmp_path / "out")
    with pytest.raises(OutputError, match=r"changed: graph\.size"):
        reconstruct_all(
            photos, replace(CONFIG, graph=Retrieval(1, 0.0)), tmp_path / "out", existing=Existing.RESUME
        )
