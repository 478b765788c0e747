"""Every pair predicted, reduced and forgotten.

Every image is encoded once however many pairs it is in. What is kept of a pair is put away as soon as
it is predicted, and what a killed run put away is taken up again by the next one.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from dust3r_sfm.evidence import Collector, Evidence, resume_collector
from dust3r_sfm.evidence.map_stores import MapsInFolder, MapsInMemory
from dust3r_sfm.inference.cache_keys import evidence_key
from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.inference.encodings import encode_all
from dust3r_sfm.inference.notebook import FileNotebook
from dust3r_sfm.io.arrays import TemporaryFolder
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.types import View
from dust3r_sfm.view_graph import ViewGraph

BYTES_A_PIXEL = 8
"""Of a depth map, at most: three coordinates and a confidence, two bytes each."""


def measure_pairs(
    regressor: PointmapRegressor,
    views: Sequence[View],
    graph: ViewGraph,
    config: InferenceConfig | None = None,
    work_folder: Path | None = None,
    progress: Progress | None = None,
    encode: Callable[[], Sequence[Encoding]] | None = None,
) -> Evidence:
    """What every pair of `graph` says of the views, in the graph's pair order, however it came about.

    With `work_folder`, encodings, what the regressor notes, what is kept of each pair, and the best depth
    maps of each view lie there, and those a former run left are used where the regressor's fingerprint, the
    content of all views, what pairs share (`PointmapRegressor.shared_by_pairs`) and `config.evidence` are
    the same. Without, depth maps stay in memory if `config.map_bytes` is sure to hold them, and else, like
    encodings beyond `config.encoding_bytes`, go to a temporary folder that goes with the evidence. Memory
    besides: see `Evidence`, and one prediction (or what the regressor predicts at once). Disk: 4 bytes a
    known pixel of each kept map (8 where it comes from the other side of its pair), and for each pair what
    `Evidence` has in memory. `encode` is asked for encodings that are made elsewhere, if any pair is left to
    be predicted. Stages on `progress`: "Encoding" in images, then the regressor's own, in pairs. Raises
    OutputError when a folder cannot be written."""
    progress, config = progress or Silent(), config or InferenceConfig()
    collector = _collector(regressor, views, graph, config, work_folder)
    done = collector.done
    if len(done) < len(graph.pairs):
        if encode is None:
            encodings: Sequence[Encoding] = encode_all(
                regressor, views, work_folder, config.encoding_bytes, progress
            )
        else:
            encodings = encode()
        notes = None if work_folder is None else FileNotebook(work_folder / "notes", regressor, views)
        for prediction in regressor.predict(views, encodings, graph.pairs, done, progress, notes):
            collector.take(prediction)
    return collector.evidence()


def _collector(
    regressor: PointmapRegressor,
    views: Sequence[View],
    graph: ViewGraph,
    config: InferenceConfig,
    work_folder: Path | None,
) -> Collector:
    if work_folder is not None:
        key = evidence_key(regressor, views, graph.pairs, config.evidence)
        return resume_collector(views, graph.pairs, config.evidence, work_folder, key)
    few = _most_map_bytes(views, graph, config.evidence.kept_maps) <= config.map_bytes
    maps = MapsInMemory() if few else MapsInFolder(TemporaryFolder(), "temporary")
    return Collector(views, graph.pairs, config.evidence, maps)


def _most_map_bytes(views: Sequence[View], graph: ViewGraph, kept_maps: int) -> int:
    """What all kept maps take if everything is known."""
    claims = Counter(view for pair in graph.pairs for view in (pair.i, pair.j))
    width_times_height = [view.size[0] * view.size[1] for view in views]
    return sum(min(kept_maps, claims[k]) * n * BYTES_A_PIXEL for k, n in enumerate(width_times_height))
