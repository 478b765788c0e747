"""Views in, scenes out: pairs are chosen, measured and aligned."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.alignment.gradient import GradientConfig, align_by_gradient
from dust3r_sfm.alignment.proof_config import for_pairs_that_know_depth
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.inference import encode_all, measure_pairs
from dust3r_sfm.pipeline.job import Job
from dust3r_sfm.pipeline.pairing import ChosenPairs, similar_pairs
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import Reconstruction
from dust3r_sfm.view_graph import Retrieval, ViewGraph


def solved(
    job: Job, work: Path | None, progress: Progress, announce: Callable[[ViewGraph], None]
) -> Reconstruction:
    """`announce` hears the pairs before the first is measured. Raises ReconstructionError where no photo
    could be placed."""
    views, config = job.loaded.views, job.config
    if isinstance(job.pairs, Retrieval):
        chosen = similar_pairs(job.pairs, job.regressor, views, config.inference, work, progress)
    else:
        chosen = ChosenPairs(job.pairs)
    announce(chosen.graph)
    if config.gradient is None:
        evidence = measure_pairs(
            job.regressor, views, chosen.graph, config.inference, work, progress, chosen.encodings
        )
        aligned = align(views, evidence, _suited(config.alignment, job.regressor), progress)
    else:
        aligned = _descended(job, chosen, config.gradient, work, progress)
    if not aligned.scenes:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(aligned.dropped.items())[:3])
        raise ReconstructionError(
            f"no model: none of the {len(views)} photos could be placed ({reasons}). "
            "Give photos that overlap and were taken from different places"
        )
    scenes = tuple(job.place(scene) for scene in aligned.scenes)
    return Reconstruction(scenes, {**job.loaded.skipped, **aligned.dropped})


def _suited(config: AlignmentConfig, regressor: PointmapRegressor) -> AlignmentConfig:
    if not regressor.sees_single_images:
        return config
    return replace(config, verification=for_pairs_that_know_depth(config.verification))


def _descended(
    job: Job, chosen: ChosenPairs, gradient: GradientConfig, work: Path | None, progress: Progress
) -> Reconstruction:
    """By the published alignment, which needs every pixel of every pair at once: nothing is reduced."""
    views, config, encodings = job.loaded.views, job.config, chosen.encodings
    if encodings is None:
        encodings = encode_all(job.regressor, views, work, config.inference.encoding_bytes, progress)
    predictions = list(job.regressor.predict(views, encodings, chosen.graph.pairs, frozenset(), progress))
    return align_by_gradient(views, predictions, config.alignment, gradient, progress)
