"""Inference against a regressor that looks up exact geometry: cameras side by side before a plane."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.inference import predict_pairs
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Correspondences, ImageSpec, Pair, PairGeometry, PairPrediction, View
from dust3r_sfm.view_graph import ViewGraph

FOCAL, DEPTH, BASELINE = 10.0, 4.0, 0.5
HEIGHT, WIDTH = 6, 8
PAIRS = tuple(Pair(i, j) for i in range(4) for j in range(4) if i != j)
GRAPH = ViewGraph(4, PAIRS)


def plane_points(x_offset: float) -> np.ndarray:
    """Pixel -> the point it sees on the plane z = DEPTH, seen by a camera `x_offset` to the right."""
    v, u = np.mgrid[0.5:HEIGHT, 0.5:WIDTH]
    x = (u - WIDTH / 2) * DEPTH / FOCAL + x_offset
    return np.stack([x, (v - HEIGHT / 2) * DEPTH / FOCAL, np.full_like(x, DEPTH)], axis=-1)


class StoppedError(Exception):
    pass


@dataclass
class PlaneRegressor:
    """Exact; yields the pairs in reverse, and stops after `stop_after` of them."""

    version: str = "1"
    stop_after: int | None = None
    encoded: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)
    predicted: list[Pair] = field(default_factory=list)
    batch_images: int = 3
    sees_single_images: bool = False
    name: str = "plane"
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(long_edge=WIDTH))

    def fingerprint(self) -> str:
        return f"plane {self.version}"

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
    ) -> Iterator[PairPrediction]:
        for view, encoding in zip(views, encodings, strict=True):
            np.testing.assert_array_equal(encoding["mean"], view.image.mean((0, 1)))
        todo = [pair for pair in reversed(pairs) if pair not in done]
        progress.start("Predicting", len(todo), "pairs")
        for pair in todo:
            if len(self.predicted) == self.stop_after:
                raise StoppedError
            self.predicted.append(pair)
            yield self._prediction(pair)
            progress.advance()

    def _prediction(self, pair: Pair) -> PairPrediction:
        confidence = np.linspace(1.0, 5.0, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
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


def assert_same(a: PairPrediction, b: PairPrediction) -> None:
    assert (a.pair, a.geometry) == (b.pair, b.geometry)
    for name in ("points_i", "points_j", "confidence_i", "confidence_j"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.correspondences is None) == (b.correspondences is None)
    if a.correspondences and b.correspondences:
        for name in ("pixels_i", "pixels_j", "weights"):
            np.testing.assert_array_equal(getattr(a.correspondences, name), getattr(b.correspondences, name))


@pytest.mark.parametrize("on_disk", [False, True])
def test_predictions_are_exact_and_in_graph_order(views: list[View], tmp_path: Path, on_disk: bool) -> None:
    predictions = predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path / "work" if on_disk else None)
    assert [prediction.pair for prediction in predictions] == list(PAIRS)
    assert predictions[-1].pair == PAIRS[-1]
    for prediction in predictions:
        pair, known = prediction.pair, prediction.confidence_j > 1
        exact = plane_points((pair.j - pair.i) * BASELINE)
        np.testing.assert_allclose(prediction.points_j[known], exact[known], rtol=1e-7)
        assert known.sum() == HEIGHT * WIDTH - 1
        assert not prediction.points_j[~known].any()
        assert prediction.geometry is PairGeometry.PLANAR
        assert (prediction.correspondences is not None) == (pair.i < pair.j)


def test_disk_and_memory_give_the_same(views: list[View], tmp_path: Path) -> None:
    in_memory = predict_pairs(PlaneRegressor(), views, GRAPH)
    on_disk = predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    for a, b in zip(in_memory, on_disk, strict=True):
        assert_same(a, b)


def test_each_image_is_encoded_once_and_progress_says_so(views: list[View], tmp_path: Path) -> None:
    regressor, recorder = PlaneRegressor(), Recorder()
    predict_pairs(regressor, views, GRAPH, tmp_path, recorder)
    assert regressor.encoded == {"0.jpg": 1, "1.jpg": 1, "2.jpg": 1, "3.jpg": 1}
    assert regressor.batches == [3, 1]
    assert recorder.stages == [["Encoding", 4, "images", 4], ["Predicting", 12, "pairs", 12]]


def test_resume_predicts_only_what_is_missing(views: list[View], tmp_path: Path) -> None:
    first = PlaneRegressor(stop_after=5)
    with pytest.raises(StoppedError):
        predict_pairs(first, views, GRAPH, tmp_path)
    second = PlaneRegressor()
    resumed = predict_pairs(second, views, GRAPH, tmp_path)
    assert set(second.predicted).isdisjoint(first.predicted)
    assert sorted(second.predicted + first.predicted) == list(PAIRS)
    assert not second.encoded, "the encodings were on disk"
    for a, b in zip(resumed, predict_pairs(PlaneRegressor(), views, GRAPH), strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("keep", [0, 100, -30])
def test_a_truncated_file_is_predicted_again(views: list[View], tmp_path: Path, keep: int) -> None:
    predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    victims = [tmp_path / "pairs" / "00001_00003.npz", tmp_path / "encodings" / "00002.npz"]
    for victim in victims:
        victim.write_bytes(victim.read_bytes()[:keep])
    again = PlaneRegressor()
    predict_pairs(again, views, GRAPH, tmp_path)
    assert again.predicted == [Pair(1, 3)]
    assert again.encoded == {"2.jpg": 1}


def test_a_flipped_byte_is_noticed(views: list[View], tmp_path: Path) -> None:
    predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    victim = tmp_path / "pairs" / "00001_00003.npz"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    again = PlaneRegressor()
    predict_pairs(again, views, GRAPH, tmp_path)
    assert again.predicted == [Pair(1, 3)]


def test_other_photos_or_another_regressor_reuse_nothing(views: list[View], tmp_path: Path) -> None:
    predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    other = PlaneRegressor(version="2")
    predict_pairs(other, views, GRAPH, tmp_path)
    assert len(other.predicted) == len(PAIRS)
    assert other.encoded.total() == 4
    masked = [replace(views[0], mask=np.zeros((HEIGHT, WIDTH), bool)), *views[1:]]
    again = PlaneRegressor(version="2")
    predict_pairs(again, masked, GRAPH, tmp_path)
    assert len(again.predicted) == len(PAIRS)
    assert again.encoded == {"0.jpg": 1}


def test_renamed_photos_reuse_all(views: list[View], tmp_path: Path) -> None:
    predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    again = PlaneRegressor()
    predict_pairs(again, [replace(view, name="x" + view.name) for view in views], GRAPH, tmp_path)
    assert again.predicted == []


def test_a_work_folder_that_cannot_be_written(views: list[View], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be written.*(Not a directory|File exists)"):
        predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path / "file" / "work")


def test_a_file_damaged_later_is_named(views: list[View], tmp_path: Path) -> None:
    predictions = predict_pairs(PlaneRegressor(), views, GRAPH, tmp_path)
    (tmp_path / "pairs" / "00000_00001.npz").write_bytes(b"")
    with pytest.raises(OutputError, match=r"00000_00001\.npz: missing or damaged"):
        predictions[0]
