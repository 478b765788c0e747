"""Views in, scenes out: pairs are chosen, measured and aligned."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.alignment.gradient import GradientConfig, align_by_gradient
from dust3r_sfm.alignment.verification.config import for_pairs_that_know_depth
from dust3r_sfm.dense import fuse_depth
from dust3r_sfm.dense.sky import with_sky
from dust3r_sfm.dense.upright import with_up
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.evidence import Evidence
from dust3r_sfm.images.passed_over import passed_over_text
from dust3r_sfm.inference import InferenceConfig, encode_all, measure_pairs
from dust3r_sfm.pipeline.job import Job
from dust3r_sfm.pipeline.pair_selection import ChosenPairs, similar_pairs
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, HasQuickWay, PointmapRegressor
from dust3r_sfm.types import Reconstruction, Scene, View
from dust3r_sfm.view_graph import Retrieval, ViewGraph

_logger = logging.getLogger(__name__)


def reconstruct_job(
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
        found = measure_and_align(
            job.regressor, views, chosen, config.alignment, config.inference, work, progress
        )
        aligned = fuse_depth(found.reconstruction, views, found.evidence, config.depth, progress)
    else:
        aligned = _align_by_descent(job, chosen, config.gradient, work, progress)
    if not aligned.scenes:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(aligned.dropped.items())[:3])
        skipped = job.loaded.skipped
        besides = f". Not used at all: {passed_over_text(skipped)}" if skipped else ""
        raise ReconstructionError(
            f"no model: none of the {len(views)} photos could be placed ({reasons}). "
            f"Give photos that overlap and were taken from different places{besides}"
        )
    scenes = tuple(_place(job, scene, progress) for scene in aligned.scenes)
    return Reconstruction(scenes, {**job.loaded.skipped, **aligned.dropped}, job.loaded.passed_over)


def _place(job: Job, scene: Scene, progress: Progress) -> Scene:
    """In the world that is known, with what is up there, and without its sky if that is wanted."""
    placed, config = job.place(scene), job.config
    is_map = config.world.gps and not placed.report.unplaced
    return with_sky(with_up(placed, config.up, is_map, config.seed, progress), config.sky, progress)


@dataclass(frozen=True)
class Aligned:
    """Scenes, without depth, and what they were aligned from."""

    reconstruction: Reconstruction
    evidence: Evidence


def measure_and_align(
    regressor: PointmapRegressor,
    views: Sequence[View],
    chosen: ChosenPairs,
    alignment: AlignmentConfig,
    inference: InferenceConfig,
    work: Path | None,
    progress: Progress,
) -> Aligned:
    """Of a regressor that has a quick way (`HasQuickWay`) what that gives, if it proves the place of every
    photo in one scene; if not, all is measured again, more closely between what is apart. For the quick way
    scenes do not grow: what averaging finds by itself is what needs no more. Costs the quick way besides
    where that fails."""
    suited = _suit_alignment(alignment, regressor)

    @cache
    def encode() -> Sequence[Encoding]:
        if chosen.encodings is not None:
            return chosen.encodings
        return encode_all(regressor, views, work, inference.encoding_bytes, progress)

    if isinstance(regressor, HasQuickWay) and (quick := regressor.quick) is not None:
        folder = None if work is None else work / "quick"
        evidence = measure_pairs(quick, views, chosen.graph, inference, folder, progress, encode)
        averaged_only = replace(suited, incremental=None)
        aligned = align(views, evidence, averaged_only, progress)
        if len(aligned.scenes) == 1 and not aligned.dropped:
            return Aligned(aligned, evidence)
        placed = _scene_numbers(aligned, views)
        _logger.info("%d groups of photos are apart: matching them more closely", len(set(placed)))
        regressor = regressor.more_closely(placed)
    evidence = measure_pairs(regressor, views, chosen.graph, inference, work, progress, encode)
    return Aligned(align(views, evidence, suited, progress), evidence)


def _scene_numbers(aligned: Reconstruction, views: Sequence[View]) -> tuple[int, ...]:
    """For each view the number of its scene, and another number for each that is in none."""
    scene_of = {view.name: number for number, scene in enumerate(aligned.scenes) for view in scene.views}
    count = len(aligned.scenes)
    return tuple(scene_of.get(view.name, count + index) for index, view in enumerate(views))


def _suit_alignment(config: AlignmentConfig, regressor: PointmapRegressor) -> AlignmentConfig:
    if not regressor.sees_single_images:
        return config
    return replace(config, verification=for_pairs_that_know_depth(config.verification))


def _align_by_descent(
    job: Job, chosen: ChosenPairs, gradient: GradientConfig, work: Path | None, progress: Progress
) -> Reconstruction:
    """By the published alignment, which needs every pixel of every pair at once: nothing is reduced."""
    views, config, encodings = job.loaded.views, job.config, chosen.encodings
    if encodings is None:
        encodings = encode_all(job.regressor, views, work, config.inference.encoding_bytes, progress)
    predictions = list(job.regressor.predict(views, encodings, chosen.graph.pairs, frozenset(), progress))
    return align_by_gradient(views, predictions, config.alignment, gradient, progress)
