"""Views in, scenes out: pairs are chosen, measured and aligned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dust3r_sfm.alignment import align
from dust3r_sfm.alignment.gradient import GradientConfig, align_by_gradient
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.images import LoadedViews
from dust3r_sfm.inference import encode_all, measure_pairs
from dust3r_sfm.pipeline.config import ReconstructConfig
from dust3r_sfm.pipeline.pairing import ChosenPairs, similar_pairs
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import Reconstruction
from dust3r_sfm.view_graph import Retrieval, ViewGraph


def solved(
    regressor: PointmapRegressor,
    loaded: LoadedViews,
    pairs: ViewGraph | Retrieval,
    config: ReconstructConfig,
    work: Path | None,
    progress: Progress,
    announce: Callable[[ViewGraph], None],
) -> Reconstruction:
    """`announce` hears the pairs before the first is measured. Raises ReconstructionError where no photo
    could be placed."""
    views = loaded.views
    if isinstance(pairs, Retrieval):
        chosen = similar_pairs(pairs, regressor, views, config.inference, work, progress)
    else:
        chosen = ChosenPairs(pairs)
    announce(chosen.graph)
    if config.gradient is None:
        evidence = measure_pairs(
            regressor, views, chosen.graph, config.inference, work, progress, chosen.encodings
        )
        aligned = align(views, evidence, config.alignment, progress)
    else:
        aligned = _descended(regressor, loaded, chosen, config, config.gradient, work, progress)
    if not aligned.scenes:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(aligned.dropped.items())[:3])
        raise ReconstructionError(
            f"no model: none of the {len(views)} photos could be placed ({reasons}). "
            "Give photos that overlap and were taken from different places"
        )
    return replace(aligned, dropped={**loaded.skipped, **aligned.dropped})


def _descended(
    regressor: PointmapRegressor,
    loaded: LoadedViews,
    chosen: ChosenPairs,
    config: ReconstructConfig,
    gradient: GradientConfig,
    work: Path | None,
    progress: Progress,
) -> Reconstruction:
    """By the published alignment, which needs every pixel of every pair at once: nothing is reduced."""
    views, encodings = loaded.views, chosen.encodings
    if encodings is None:
        encodings = encode_all(regressor, views, work, config.inference.encoding_bytes, progress)
    predictions = list(regressor.predict(views, encodings, chosen.graph.pairs, frozenset(), progress))
    return align_by_gradient(views, predictions, config.alignment, gradient, progress)
