"""The pairs a run compares: by the photos' names and order, or by their looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dust3r_sfm.inference import InferenceConfig, encode_all, global_descriptors, require_descriptors
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.retrieval import similarity_pairs
from dust3r_sfm.types import Pair, View
from dust3r_sfm.view_graph import GraphConfig, Retrieval, ViewGraph, graph_of_pairs, view_graph


@dataclass(frozen=True)
class ChosenPairs:
    """`encodings`: of all views, where they had to be made to find the pairs."""

    graph: ViewGraph
    encodings: Sequence[Encoding] | None = None


def pairs_by_name(
    config: GraphConfig, regressor: PointmapRegressor, views: Sequence[View]
) -> ViewGraph | Retrieval:
    """The pairs, as far as they are known before a photo is encoded. Raises InputError when `config` does
    not fit the views or the regressor."""
    if isinstance(config, Retrieval):
        require_descriptors(regressor)
        return config
    return view_graph([view.name for view in views], config)


def similar_pairs(
    config: Retrieval,
    regressor: PointmapRegressor,
    views: Sequence[View],
    inference: InferenceConfig,
    work_folder: Path | None,
    progress: Progress,
) -> ChosenPairs:
    """Encodes the views, and pairs each with those most like it. Raises OutputError when `work_folder`
    cannot be written."""
    encodings = encode_all(regressor, views, work_folder, inference.encoding_bytes, progress)
    descriptors = global_descriptors(
        regressor, views, encodings, inference.descriptors, work_folder, progress
    )
    pairs = similarity_pairs(descriptors, config.size, config.diversity, inference.search)
    graph = graph_of_pairs(len(views), (Pair(i, j) for i, j in pairs.tolist()))
    return ChosenPairs(graph, encodings)
