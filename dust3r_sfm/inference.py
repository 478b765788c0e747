"""Views and a graph in, one stored prediction for each directed pair out.

Every image is encoded once however many pairs it is in, every prediction is put away as soon as it
exists, and what a killed run put away is taken up again by the next one.
"""

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np

from dust3r_sfm.errors import OutputError
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.types import Correspondences, Pair, PairGeometry, PairPrediction, Predictions, View
from dust3r_sfm.view_graph import ViewGraph

_UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error)
"""What reading a truncated, corrupt or foreign .npz raises."""


def predict_pairs(
    regressor: PointmapRegressor,
    views: Sequence[View],
    graph: ViewGraph,
    work_folder: Path | None = None,
    progress: Progress | None = None,
) -> Predictions:
    """Predicts every pair of `graph`; the result is in the graph's pair order, however it came about.

    With `work_folder`, encodings and predictions are kept there, one .npz each, and those a former
    run left are used where the regressor's fingerprint and the content of all views are the same;
    the result then loads one prediction at a time. Without, everything stays in memory.
    Points are float32, and 0 where the confidence is 1 (nothing is known there).
    Stages on `progress`: "Encoding" in images, then the regressor's own, in pairs.
    Raises OutputError when the work folder cannot be written.
    """
    progress = progress or Silent()
    if work_folder is None:
        encodings = _encode_all(regressor, views, None, progress)
        predictions = _predict(regressor, views, encodings, graph.pairs, frozenset(), progress)
        by_pair = {prediction.pair: prediction for prediction in predictions}
        return [by_pair[pair] for pair in graph.pairs]
    store = _PairStore(work_folder / "pairs", _run_key(regressor, views))
    done = frozenset(pair for pair in graph.pairs if store.read(pair) is not None)
    if len(done) < len(graph.pairs):
        encodings = _encode_all(regressor, views, work_folder / "encodings", progress)
        for prediction in _predict(regressor, views, encodings, graph.pairs, done, progress):
            store.write(prediction)
    return StoredPredictions(store, graph.pairs)


def _predict(
    regressor: PointmapRegressor,
    views: Sequence[View],
    encodings: Sequence[Encoding],
    pairs: Sequence[Pair],
    done: frozenset[Pair],
    progress: Progress,
) -> Iterator[PairPrediction]:
    missing = set(pairs) - done
    for prediction in regressor.predict(views, encodings, pairs, done, progress):
        missing.remove(prediction.pair)
        yield _reduced(prediction)
    assert not missing, f"{regressor.name} left out {sorted(missing)}"


def _encode_all(
    regressor: PointmapRegressor, views: Sequence[View], folder: Path | None, progress: Progress
) -> list[Encoding]:
    progress.start("Encoding", len(views), "images")
    encodings = [_cached_encoding(regressor, view, _encoding_path(folder, k)) for k, view in enumerate(views)]
    missing = [index for index, encoding in enumerate(encodings) if encoding is None]
    progress.advance(len(views) - len(missing))
    for first in range(0, len(missing), regressor.batch_images):
        batch = missing[first : first + regressor.batch_images]
        found = regressor.encode([views[index] for index in batch])
        for index, encoding in zip(batch, found, strict=True):
            encodings[index] = encoding
            if (path := _encoding_path(folder, index)) is not None:
                _write_npz(path, _run_key(regressor, [views[index]]), encoding)
        progress.advance(len(batch))
    return [encoding for encoding in encodings if encoding is not None]


def _encoding_path(folder: Path | None, index: int) -> Path | None:
    return None if folder is None else folder / f"{index:05d}.npz"


def _cached_encoding(regressor: PointmapRegressor, view: View, path: Path | None) -> Encoding | None:
    return None if path is None else _read_npz(path, _run_key(regressor, [view]))


def _run_key(regressor: PointmapRegressor, views: Sequence[View]) -> str:
    """Names all that predictions depend on but the graph; cached results carry it."""
    digest = hashlib.sha256(regressor.fingerprint().encode())
    for view in views:
        digest.update(content_hash(view).encode())
    return digest.hexdigest()


def content_hash(view: View) -> str:
    """A hash of what a regressor can see of a view: neither its name nor where its file lies."""
    described = (view.image.shape, view.original_size, view.exif_focal_px, view.exif_camera)
    digest = hashlib.sha256(repr(described).encode())
    digest.update(view.image.tobytes())
    digest.update(view.pixel_from_original.astype(np.float64).tobytes())
    digest.update(b"no mask" if view.mask is None else np.packbits(view.mask).tobytes())
    return digest.hexdigest()


def _reduced(prediction: PairPrediction) -> PairPrediction:
    """float32, and no points where nothing is known: the same whether or not it went through a file."""
    points_i, confidence_i = _reduced_map(prediction.points_i, prediction.confidence_i)
    points_j, confidence_j = _reduced_map(prediction.points_j, prediction.confidence_j)
    return replace(
        prediction, points_i=points_i, points_j=points_j, confidence_i=confidence_i, confidence_j=confidence_j
    )


def _reduced_map(points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = confidence > 1.0
    return np.where(known[..., None], points, 0.0).astype(np.float32), confidence.astype(np.float32)


@dataclass(frozen=True)
class _PairStore:
    """One .npz a directed pair, named by its view indices; `key` says which run a file belongs to."""

    folder: Path
    key: str

    def path(self, pair: Pair) -> Path:
        return self.folder / f"{pair.i:05d}_{pair.j:05d}.npz"

    def write(self, prediction: PairPrediction) -> None:
        _write_npz(self.path(prediction.pair), self.key, _arrays_from_prediction(prediction))

    def read(self, pair: Pair) -> PairPrediction | None:
        """None where there is no prediction of this run, or none that can be read."""
        arrays = _read_npz(self.path(pair), self.key)
        return None if arrays is None else _prediction_from_arrays(pair, arrays)


@dataclass(frozen=True, eq=False)
class StoredPredictions(Sequence[PairPrediction]):
    """Predictions in files: `predictions[k]` reads pair `pairs[k]` anew, so only one is in memory."""

    store: _PairStore
    pairs: tuple[Pair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, index: int) -> PairPrediction: ...
    @overload
    def __getitem__(self, index: slice) -> "StoredPredictions": ...
    def __getitem__(self, index: int | slice) -> "PairPrediction | StoredPredictions":
        if isinstance(index, slice):
            return StoredPredictions(self.store, self.pairs[index])
        pair = self.pairs[index]
        prediction = self.store.read(pair)
        if prediction is None:
            raise OutputError(f"{self.store.path(pair)}: missing or damaged since it was written; run again")
        return prediction


def _arrays_from_prediction(prediction: PairPrediction) -> dict[str, np.ndarray]:
    arrays = {"geometry": np.array(prediction.geometry.value)}
    for side, points, confidence in (
        ("i", prediction.points_i, prediction.confidence_i),
        ("j", prediction.points_j, prediction.confidence_j),
    ):
        # Half of a stereo pointmap or more is unknown: only what is known goes to disk.
        known = confidence > 1.0
        arrays |= {f"known_{side}": np.packbits(known), f"shape_{side}": np.array(known.shape)}
        arrays |= {f"points_{side}": points[known], f"confidence_{side}": confidence[known]}
    if prediction.correspondences is not None:
        arrays["pixels_i"] = prediction.correspondences.pixels_i
        arrays["pixels_j"] = prediction.correspondences.pixels_j
        arrays["weights"] = prediction.correspondences.weights
    return arrays


def _prediction_from_arrays(pair: Pair, arrays: Mapping[str, np.ndarray]) -> PairPrediction:
    points_i, confidence_i = _map_from_arrays(arrays, "i")
    points_j, confidence_j = _map_from_arrays(arrays, "j")
    correspondences = None
    if "weights" in arrays:
        correspondences = Correspondences(arrays["pixels_i"], arrays["pixels_j"], arrays["weights"])
    geometry = PairGeometry(str(arrays["geometry"]))
    return PairPrediction(pair, points_i, points_j, confidence_i, confidence_j, correspondences, geometry)


def _map_from_arrays(arrays: Mapping[str, np.ndarray], side: str) -> tuple[np.ndarray, np.ndarray]:
    height, width = (int(n) for n in arrays[f"shape_{side}"])
    known = np.unpackbits(arrays[f"known_{side}"], count=height * width).astype(bool).reshape(height, width)
    points = np.zeros((height, width, 3), np.float32)
    confidence = np.ones((height, width), np.float32)
    points[known] = arrays[f"points_{side}"]
    confidence[known] = arrays[f"confidence_{side}"]
    return points, confidence


def _write_npz(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Whole or not at all: a kill leaves at most a .partial file, which nothing reads."""
    assert not any(array.dtype.hasobject for array in arrays.values()), "only plain arrays can be read back"
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, _key=np.array(key), **arrays)  # type: ignore[arg-type]
        os.replace(partial, path)
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); free space or choose another output"
        raise OutputError(message) from error


def _read_npz(path: Path, key: str) -> dict[str, np.ndarray] | None:
    """None if the file is missing, damaged (its checksums are read through) or of another run."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["_key"]) != key:
                return None
            return {name: stored[name] for name in stored.files if name != "_key"}
    except _UNREADABLE:
        return None
