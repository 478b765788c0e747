"""Inference against a regressor that looks up exact geometry: cameras side by side before a plane."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.evidence import Evidence, EvidenceConfig
from dust3r_sfm.inference import InferenceConfig, measure_pairs
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Notebook
from dust3r_sfm.types import Correspondences, ImageSpec, Pair, PairGeometry, PairPrediction, View
from dust3r_sfm.view_graph import ViewGraph

FOCAL, DEPTH, BASELINE = 10.0, 4.0, 0.5
HEIGHT, WIDTH = 6, 8
PAIRS = tuple(Pair(i, j) for i in range(4) for j in range(4) if i != j)
GRAPH = ViewGraph(4, PAIRS)
CONFIG = InferenceConfig(EvidenceConfig(samples=HEIGHT * WIDTH, kept_maps=2))


def plane_points(x_offset: float) -> np.ndarray:
    """Pixel -> the point it sees on the plane z = DEPTH, seen by a camera `x_offset` to the right."""
    v, u = np.mgrid[0.5:HEIGHT, 0.5:WIDTH]
    x = (u - WIDTH / 2) * DEPTH / FOCAL + x_offset
    return np.stack([x, (v - HEIGHT / 2) * DEPTH / FOCAL, np.full_like(x, DEPTH)], axis=-1)


class StoppedError(Exception):
    pass


@dataclass
class PlaneRegressor:
    """Exact, and surer of some pairs than of others. Yields the pairs in reverse, or shuffled by `order`,
    and stops after `stop_after` of them. With `whole_graph` it says that all pairs have a part in each."""

    version: str = "1"
    whole_graph: bool = False
    stop_after: int | None = None
    order: int | None = None
    encoded: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)
    predicted: list[Pair] = field(default_factory=list)
    batch_images: int = 3
    sees_single_images: bool = False
    metric: bool = False
    name: str = "plane"
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(long_edge=WIDTH))

    def fingerprint(self) -> str:
        return f"plane {self.version}"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return str(pairs) if self.whole_graph else ""

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        assert 1 <= len(views) <= self.batch_images
        self.batches.append(len(views))
        self.encoded.update(view.name for view in views)
        return [{"mean": view.image.mean((0, 1)), "empty": np.zeros((0, 2))} for view in views]

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Mapping[str, np.ndarray]],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        for view, encoding in zip(views, encodings, strict=True):
            np.testing.assert_array_equal(encoding["mean"], view.image.mean((0, 1)))
        todo = [pair for pair in reversed(pairs) if pair not in done]
        if self.order is not None:
            np.random.default_rng(self.order).shuffle(todo)
        progress.start("Predicting", len(todo), "pairs")
        for pair in todo:
            if len(self.predicted) == self.stop_after:
                raise StoppedError
            self.predicted.append(pair)
            yield self._prediction(pair)
            progress.advance()

    def _prediction(self, pair: Pair) -> PairPrediction:
        sure = 5.0 + (7 * pair.i + 5 * pair.j) % 4
        confidence = np.linspace(1.0, sure, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
        pixels = np.array([[1.25, 2.5], [3.0, 4.125]])
        matches = Correspondences(pixels, pixels - [FOCAL * BASELINE / DEPTH, 0.0], np.array([1.0, 0.3]))
        return PairPrediction(
            pair,
            plane_points(0.0),
            plane_points((pair.j - pair.i) * BASELINE),
            confidence,
            confidence[::-1].copy(),
            matches if pair.i < pair.j else None,
            PairGeometry.PLANAR,
        )


class Recorder:
    def __init__(self) -> None:
        self.stages: list[list[str | int]] = []

    def start(self, label: str, total: int, unit: str) -> None:
        self.stages.append([label, total, unit, 0])

    def advance(self, count: int = 1) -> None:
        self.stages[-1][3] = int(self.stages[-1][3]) + count


@pytest.fixture
def views() -> list[View]:
    images = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8)
    # The last two photos have the same content: they must stay two.
    pictures = [*images, images[2]]
    return [View(f"{k}.jpg", image, np.eye(3), (WIDTH, HEIGHT)) for k, image in enumerate(pictures)]


def measured(regressor: PlaneRegressor, views: list[View], folder: Path | None = None) -> Evidence:
    return measure_pairs(regressor, views, GRAPH, CONFIG, folder)


def assert_same(a: Evidence, b: Evidence) -> None:
    """To the last bit."""
    assert a.kept == b.kept
    assert list(a.correspondences) == list(b.correspondences)
    for one, other in zip(a.summaries, b.summaries, strict=True):
        assert_same_values(one, other)
    for pair, found in a.correspondences.items():
        assert_same_values(found, b.correspondences[pair])
    for view, pairs in a.kept.items():
        for pair in pairs:
            one, other = (e.maps.read((view, pair)).unpack() for e in (a, b))
            for x, y in zip(one, other, strict=True):
                np.testing.assert_array_equal(x, y)


def assert_same_values(a: object, b: object) -> None:
    for name, value in vars(a).items():
        if isinstance(value, Correspondences):
            assert_same_values(value, getattr(b, name))
        else:
            np.testing.assert_array_equal(value, getattr(b, name))


def files_of(evidence: Evidence, folder: Path) -> tuple[int, int]:
    """How many map files there are, and how many there should be."""
    return len(list((folder / "maps").iterdir())), sum(len(pairs) for pairs in evidence.kept.values())


@pytest.mark.parametrize("on_disk", [False, True])
def test_evidence_is_exact_and_in_graph_order(views: list[View], tmp_path: Path, on_disk: bool) -> None:
    evidence = measured(PlaneRegressor(), views, tmp_path / "work" if on_disk else None)
    assert [summary.pair for summary in evidence.summaries] == list(PAIRS)
    for summary in evidence.summaries:
        pair, known = summary.pair, summary.weights_j > 0
        exact = plane_points((pair.j - pair.i) * BASELINE).reshape(-1, 3)
        np.testing.assert_allclose(summary.points_j[known], exact[known], rtol=1e-6)
        assert known.sum() == HEIGHT * WIDTH - 1
        assert not summary.points_j[~known].any()
        assert summary.geometry is PairGeometry.PLANAR
        assert (summary.pair in evidence.correspondences) == (pair.i < pair.j)
    for view, pairs in evidence.kept.items():
        assert len(pairs) == 2
        for pair in pairs:
            depth, confidence = evidence.maps.read((view, pair)).unpack()
            np.testing.assert_allclose(depth[confidence > 1.0], DEPTH, rtol=1e-3)
            assert (confidence > 1.0).sum() == HEIGHT * WIDTH - 1


def test_disk_and_memory_give_the_same(views: list[View], tmp_path: Path) -> None:
    on_disk = measured(PlaneRegressor(), views, tmp_path)
    assert_same(measured(PlaneRegressor(), views), on_disk)
    present, wanted = files_of(on_disk, tmp_path)
    assert present == wanted


@pytest.mark.parametrize("order", range(3))
def test_the_order_of_pairs_does_not_matter(views: list[View], tmp_path: Path, order: int) -> None:
    shuffled = measured(PlaneRegressor(order=order), views, tmp_path)
    assert_same(shuffled, measured(PlaneRegressor(), views))
    present, wanted = files_of(shuffled, tmp_path)
    assert present == wanted


def test_too_many_maps_for_memory_go_to_a_temporary_folder(
    views: list[View], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    most = 4 * 2 * HEIGHT * WIDTH * 8
    in_memory = measure_pairs(PlaneRegressor(), views, GRAPH, replace(CONFIG, map_bytes=most))
    assert list(tmp_path.iterdir()) == []
    spilled = measure_pairs(PlaneRegressor(), views, GRAPH, replace(CONFIG, map_bytes=most - 1))
    assert_same(in_memory, spilled)
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.iterdir())) == 8
    del spilled
    assert list(tmp_path.iterdir()) == [], "it goes with the evidence"


def test_each_image_is_encoded_once_and_progress_says_so(views: list[View], tmp_path: Path) -> None:
    regressor, recorder = PlaneRegressor(), Recorder()
    measure_pairs(regressor, views, GRAPH, CONFIG, tmp_path, recorder)
    assert regressor.encoded == {"0.jpg": 1, "1.jpg": 1, "2.jpg": 1, "3.jpg": 1}
    assert regressor.batches == [3, 1]
    assert recorder.stages == [["Encoding", 4, "images", 4], ["Predicting", 12, "pairs", 12]]


@pytest.mark.parametrize("order", [None, 1])
@pytest.mark.parametrize("stop_after", range(len(PAIRS)))
def test_resume_predicts_only_what_is_missing(
    views: list[View], tmp_path: Path, stop_after: int, order: int | None
) -> None:
    first = PlaneRegressor(stop_after=stop_after, order=order)
    with pytest.raises(StoppedError):
        measured(first, views, tmp_path)
    second = PlaneRegressor()
    resumed = measured(second, views, tmp_path)
    assert set(second.predicted).isdisjoint(first.predicted)
    assert sorted(second.predicted + first.predicted) == list(PAIRS)
    assert not second.encoded, "the encodings were on disk"
    assert_same(resumed, measured(PlaneRegressor(), views))


def test_a_kill_at_any_change_of_the_disk_is_mended(
    views: list[View], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ends the run before its n-th file appears or goes, for every n that it reaches."""
    undisturbed = measured(PlaneRegressor(), views)
    for count in range(1000):
        folder = tmp_path / str(count)
        with monkeypatch.context() as patch:
            left = [count]
            patch.setattr("dust3r_sfm.io.arrays.os.replace", dying(os.replace, left))
            patch.setattr("pathlib.Path.unlink", dying(Path.unlink, left))
            try:
                measured(PlaneRegressor(), views, folder)
                break
            except StoppedError:
                pass
        resumed = measured(PlaneRegressor(order=count), views, folder)
        assert_same(resumed, undisturbed)
        present, wanted = files_of(resumed, folder)
        assert present == wanted
    assert count > 4 + len(PAIRS) + 8, "encodings, pairs, and the maps that stay"


def dying(change: Callable[..., object], left: list[int]) -> Callable[..., object]:
    """Does as `change`, until `left` is used up."""

    def once(*arguments: object, **options: object) -> object:
        if left[0] == 0:
            raise StoppedError
        left[0] -= 1
        return change(*arguments, **options)

    return once


@pytest.mark.parametrize("keep", [0, 100, -30])
def test_a_truncated_file_is_predicted_again(views: list[View], tmp_path: Path, keep: int) -> None:
    measured(PlaneRegressor(), views, tmp_path)
    victims = [tmp_path / "pairs" / "00001_00003.safetensors", tmp_path / "encodings" / "00002.safetensors"]
    for victim in victims:
        victim.write_bytes(victim.read_bytes()[:keep])
    again = PlaneRegressor()
    assert_same(measured(again, views, tmp_path), measured(PlaneRegressor(), views))
    # With it those whose maps had given way to its own, as nothing says any more that it was better.
    assert Pair(1, 3) in again.predicted
    assert len(again.predicted) <= 3
    assert again.encoded == {"2.jpg": 1}


def test_a_flipped_byte_is_noticed(views: list[View], tmp_path: Path) -> None:
    measured(PlaneRegressor(), views, tmp_path)
    victim = tmp_path / "pairs" / "00001_00003.safetensors"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    again = PlaneRegressor()
    assert_same(measured(again, views, tmp_path), measured(PlaneRegressor(), views))
    # With it those whose maps had given way to its own, as nothing says any more that it was better.
    assert Pair(1, 3) in again.predicted
    assert len(again.predicted) <= 3


@pytest.mark.parametrize("kind", ["pairs", "maps", "encodings"])
def test_one_file_copied_over_all_others_is_noticed(views: list[View], tmp_path: Path, kind: str) -> None:
    """Each says what it is of; the encodings of two photos that are alike are alike."""
    undisturbed = measured(PlaneRegressor(), views, tmp_path)
    first, *others = sorted((tmp_path / kind).iterdir())
    for other in others:
        other.write_bytes(first.read_bytes())
    if kind == "encodings":
        (tmp_path / "pairs" / "00001_00003.safetensors").unlink()
    again = PlaneRegressor()
    assert_same(measured(again, views, tmp_path), undisturbed)
    if kind == "pairs":
        assert len(again.predicted) >= len(others)
    elif kind == "maps":
        assert again.predicted
    else:
        assert again.encoded == {"1.jpg": 1, "2.jpg": 1, "3.jpg": 1}


def test_other_photos_or_another_regressor_reuse_nothing(views: list[View], tmp_path: Path) -> None:
    measured(PlaneRegressor(), views, tmp_path)
    other = PlaneRegressor(version="2")
    measured(other, views, tmp_path)
    assert len(other.predicted) == len(PAIRS)
    assert other.encoded.total() == 4
    masked = [replace(views[0], mask=np.zeros((HEIGHT, WIDTH), bool)), *views[1:]]
    again = PlaneRegressor(version="2")
    measured(again, masked, tmp_path)
    assert len(again.predicted) == len(PAIRS)
    assert again.encoded == {"0.jpg": 1}


def test_renamed_photos_reuse_all(views: list[View], tmp_path: Path) -> None:
    measured(PlaneRegressor(), views, tmp_path)
    again = PlaneRegressor()
    measured(again, [replace(view, name="x" + view.name) for view in views], tmp_path)
    assert again.predicted == []


def test_a_work_folder_that_cannot_be_written(views: list[View], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written.*(Not a directory|File exists)"):
        measured(PlaneRegressor(), views, tmp_path / "file" / "work")


def test_a_lost_or_damaged_map_costs_its_pair_and_no_other(views: list[View], tmp_path: Path) -> None:
    undisturbed = measured(PlaneRegressor(), views, tmp_path)
    first, second = undisturbed.kept[1][0], undisturbed.kept[2][1]
    map_path(tmp_path, 1, first).unlink()
    map_path(tmp_path, 2, second).write_bytes(b"PK")
    again = PlaneRegressor()
    assert_same(measured(again, views, tmp_path), undisturbed)
    assert sorted(again.predicted) == sorted({first, second})


def test_a_map_damaged_later_is_named(views: list[View], tmp_path: Path) -> None:
    evidence = measured(PlaneRegressor(), views, tmp_path)
    pair = evidence.kept[0][0]
    map_path(tmp_path, 0, pair).write_bytes(b"")
    with pytest.raises(OutputError, match=r"00000_by_.*\.safetensors: missing or damaged.*run again"):
        evidence.maps.read((0, pair))


def map_path(folder: Path, view: int, pair: Pair) -> Path:
    return folder / "maps" / f"{view:05d}_by_{pair.i:05d}_{pair.j:05d}.safetensors"


def test_another_graph_takes_what_is_there_and_equals_a_fresh_run(views: list[View], tmp_path: Path) -> None:
    few = ViewGraph(4, PAIRS[:5])
    measure_pairs(PlaneRegressor(), views, few, CONFIG, tmp_path)
    for graph in (GRAPH, few):
        again = PlaneRegressor()
        found = measure_pairs(again, views, graph, CONFIG, tmp_path)
        assert_same(found, measure_pairs(PlaneRegressor(), views, graph, CONFIG))
        assert len(again.predicted) < len(graph.pairs)


def test_where_all_pairs_have_a_part_in_each_a_grown_graph_takes_encodings_only(
    views: list[View], tmp_path: Path
) -> None:
    runs = []
    for pairs in (PAIRS[:5], PAIRS, PAIRS):
        again = PlaneRegressor(whole_graph=True)
        measure_pairs(again, views, ViewGraph(4, pairs), CONFIG, tmp_path)
        runs.append((len(again.predicted), again.encoded.total()))
    assert runs == [(5, 4), (len(PAIRS), 0), (0, 0)]


def test_other_settings_reuse_encodings_only(views: list[View], tmp_path: Path) -> None:
    measured(PlaneRegressor(), views, tmp_path)
    again, other = PlaneRegressor(), replace(CONFIG, evidence=replace(CONFIG.evidence, kept_maps=3))
    found = measure_pairs(again, views, GRAPH, other, tmp_path)
    assert (len(again.predicted), len(again.encoded)) == (len(PAIRS), 0)
    assert all(len(pairs) == 3 for pairs in found.kept.values())
    more_memory = PlaneRegressor()
    measure_pairs(more_memory, views, GRAPH, replace(other, map_bytes=1, encoding_bytes=1), tmp_path)
    assert not more_memory.predicted
