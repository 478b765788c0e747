"""Which photos retrieval finds, and what it costs for a thousand of them.

    python -m benchmarks.retrieval SET... --json OUT

A SET is a folder with images/ and gt/ (a COLMAP text model of the true cameras). With gt/depth, photos that
overlap by 30 % or more are true neighbours of each other, and with gt/query_list.txt these photos are looked
up among the others. Photos in the order of their names are taken to be a sequence. The cost is measured
with the features of the first set, each time with a third of them left out, as if they were so many photos.
"""

import json
import platform
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from typing import overload

import numpy as np
import tyro
from jaxtyping import Float, Int

from benchmarks.overlap import overlaps
from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.images import load_views
from dust3r_sfm.inference import encode_all
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.retrieval import diverse_neighbours, fit_vlad, similarity_pairs
from dust3r_sfm.view_graph import Retrieval

PACKAGES = ("dust3r-sfm", "numpy", "scipy")
TRUE_OVERLAP, TOP, REFERENCES, NEAR_IN_TIME = 0.3, 10, 5, 5
ENCODING_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Options:
    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with images/ and gt/."""
    neighbours: int = Retrieval.size
    """Of each photo, in the graph of pairs."""
    diversity: float = Retrieval.diversity
    """Of the neighbours, from 0 to 1."""
    photos: int = 1000
    """As many as the cost is measured for."""
    json: Path | None = None
    """Where to write all figures."""
    work: Path | None = None
    """Folder to keep features in: a second run with the same photos is quicker."""


@dataclass(frozen=True)
class OverlapScores:
    """top10_any: share of photos with a true neighbour among the ten nearest. precision_10: share of those
    ten that are true ones. reference_overlap: of queries, the mean overlap with the best of five references,
    and best_overlap with the best that there is. None without queries."""

    photos: int
    true_neighbours: float
    top10_any: float
    precision_10: float
    queries: int
    reference_overlap: float | None
    best_overlap: float | None


@dataclass(frozen=True)
class PairScores:
    """Of the graph: its unordered pairs, their share of all, the share of photos at most five apart that are
    paired, and (with depth) the share of pairs that overlap."""

    photos: int
    pairs: int
    share_of_all: float
    near_in_time: float
    overlapping: float | None


@dataclass(frozen=True)
class Cost:
    """Seconds to learn the vocabulary, to describe all photos and to find pairs; peak memory of it all."""

    photos: int
    features: int
    learn_s: float
    describe_s: float
    pairs_s: float
    peak_mib: float


@dataclass(frozen=True)
class SetResult:
    name: str
    overlap: OverlapScores | None
    pairs: PairScores


def main(options: Options) -> None:
    results: list[SetResult] = []
    cost: Cost | None = None
    for folder in options.sets:
        names, local = local_descriptors(folder, options.work)
        if cost is None:
            # First: the process's peak memory would else be that of the overlaps.
            cost = measure_cost(local, options)
            print(json.dumps(asdict(cost)), flush=True)
        results.append(measure_set(folder, names, local, options))
        print(json.dumps(asdict(results[-1])), flush=True)
    if options.json is not None:
        written = json.dumps(report(results, cost, options), indent=1)
        options.json.write_text(written + "\n", encoding="utf-8")


def local_descriptors(folder: Path, work: Path | None) -> tuple[list[str], list[Float[np.ndarray, "_n 128"]]]:
    regressor = StereoRegressor(StereoConfig())
    views = load_views(folder / "images", regressor.image_spec).views
    kept = None if work is None else work / folder.resolve().name
    encodings: Sequence[Encoding] = encode_all(regressor, views, kept, ENCODING_BYTES, Silent())
    return [view.name for view in views], [regressor.local_descriptors(encoding) for encoding in encodings]


def measure_set(
    folder: Path, names: list[str], local: Sequence[Float[np.ndarray, "_n 128"]], options: Options
) -> SetResult:
    vlad = fit_vlad(local)
    descriptors = np.stack([vlad.describe(found) for found in local])
    overlap = None
    if (folder / "gt" / "depth").is_dir():
        truth = read_posed_cameras(folder / "gt")
        overlap = overlaps({name: truth[name] for name in names}, folder / "gt" / "depth")
    queries = _query_rows(folder / "gt" / "query_list.txt", names)
    return SetResult(
        folder.resolve().name,
        None if overlap is None else overlap_scores(descriptors, overlap, queries, options.diversity),
        pair_scores(descriptors, overlap, options),
    )


def overlap_scores(
    descriptors: Float[np.ndarray, "n d"],
    overlap: Float[np.ndarray, "n n"],
    queries: Int[np.ndarray, " q"],
    diversity: float,
) -> OverlapScores:
    rest = np.setdiff1d(np.arange(len(descriptors)), queries)
    mapping = descriptors[rest]
    among = overlap[np.ix_(rest, rest)]
    true = (
        np.take_along_axis(among, diverse_neighbours(mapping, TOP, diversity).index, axis=1) >= TRUE_OVERLAP
    )
    looked_up = best = None
    if len(queries):
        to_references = overlap[np.ix_(queries, rest)]
        found = diverse_neighbours(mapping, REFERENCES, diversity, descriptors[queries]).index
        looked_up = float(np.take_along_axis(to_references, found, axis=1).max(axis=1).mean())
        best = float(to_references.max(axis=1).mean())
    return OverlapScores(
        photos=len(rest),
        true_neighbours=float((among >= TRUE_OVERLAP).sum(axis=1).mean() - 1),
        top10_any=float(true.any(axis=1).mean()),
        precision_10=float(true.mean()),
        queries=len(queries),
        reference_overlap=looked_up,
        best_overlap=best,
    )


def pair_scores(
    descriptors: Float[np.ndarray, "n d"], overlap: Float[np.ndarray, "n n"] | None, options: Options
) -> PairScores:
    count = len(descriptors)
    pairs = similarity_pairs(descriptors, options.neighbours, options.diversity)
    apart = pairs[:, 1] - pairs[:, 0]
    near = sum(count - step for step in range(1, NEAR_IN_TIME + 1))
    overlapping = None
    if overlap is not None:
        overlapping = float((overlap[pairs[:, 0], pairs[:, 1]] >= TRUE_OVERLAP).mean())
    return PairScores(
        photos=count,
        pairs=len(pairs),
        share_of_all=len(pairs) / (count * (count - 1) / 2),
        near_in_time=float((apart <= NEAR_IN_TIME).sum() / near),
        overlapping=overlapping,
    )


def measure_cost(local: Sequence[Float[np.ndarray, "_n 128"]], options: Options) -> Cost:
    photos = Thinned(local, options.photos)
    began_s = time.perf_counter()
    vlad = fit_vlad(photos)
    learnt_s = time.perf_counter()
    descriptors = np.stack([vlad.describe(photos[k]) for k in range(len(photos))])
    described_s = time.perf_counter()
    similarity_pairs(descriptors, options.neighbours, options.diversity)
    done_s = time.perf_counter()
    return Cost(
        photos=len(photos),
        features=sum(len(photos[k]) for k in range(len(photos))),
        learn_s=learnt_s - began_s,
        describe_s=described_s - learnt_s,
        pairs_s=done_s - described_s,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


class Thinned(Sequence[Float[np.ndarray, "_n 128"]]):
    """As many photos as wanted, made from some: each a random two thirds of one of them, made when asked."""

    def __init__(self, local: Sequence[Float[np.ndarray, "_n 128"]], count: int) -> None:
        self._local, self._count = local, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Float[np.ndarray, "_n 128"]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Float[np.ndarray, "_n 128"]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> Float[np.ndarray, "_n 128"] | list[Float[np.ndarray, "_n 128"]]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        whole = self._local[index % len(self._local)]
        return whole[np.random.default_rng(index).random(len(whole)) < 2 / 3]


def report(results: list[SetResult], cost: Cost | None, options: Options) -> Mapping[str, object]:
    return {
        "python": platform.python_version(),
        "machine": {"processor": platform.machine(), "cores": cpu_count()},
        "versions": {package: version(package) for package in PACKAGES},
        "neighbours": options.neighbours,
        "diversity": options.diversity,
        "sets": [asdict(result) for result in results],
        "cost": None if cost is None else asdict(cost),
    }


def _query_rows(path: Path, names: Sequence[str]) -> Int[np.ndarray, " q"]:
    """No photos are queries where there is no such list."""
    listed = set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
    return np.array([row for row, name in enumerate(names) if name in listed], dtype=np.int64)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
