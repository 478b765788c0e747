"""What each stage of alignment leaves, in figures for the report."""

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.alignment.averaging.motion import AveragedMotions
from dust3r_sfm.alignment.refinement.levenberg_marquardt import Refined
from dust3r_sfm.types import AlignmentStage

VIEW_PIXELS, FILE_PIXELS = "view pixels", "pixels of the photo"


def solving_stages(
    averaged: AveragedMotions, edges: Int[np.ndarray, " k"], refined: Refined
) -> tuple[AlignmentStage, ...]:
    """Of a component of which these edges were refined. Both stages in view pixels have one objective, that
    of refinement, and differ in whose cameras it is taken at."""
    position_error = averaged.position_error[edges]
    return (
        _stage("rotation averaging", averaged.rotation_objective, averaged.rotation_error_deg, "degrees"),
        _stage("scale averaging", averaged.scale_objective, averaged.scale_error[edges], "log scale"),
        _stage("position averaging", averaged.position_objective, position_error, "share of the pair's size"),
        _stage("averaged cameras", refined.start_cost, refined.start_residual_px, VIEW_PIXELS),
        _stage("refinement", refined.cost, refined.residual_px, VIEW_PIXELS),
    )


def adjustment_stage(name: str, mean_bounded_px: float, median_px: float) -> AlignmentStage:
    """Of tracks: the mean of their reprojection errors, each bounded, and the median."""
    return AlignmentStage(name, mean_bounded_px, median_px, FILE_PIXELS)


def _stage(name: str, objective: float, residual: Float[np.ndarray, " e"], unit: str) -> AlignmentStage:
    return AlignmentStage(name, objective, float(np.median(residual)), unit)
