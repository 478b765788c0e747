"""Which edges the average of all contradicts."""

import numpy as np

from dust3r_sfm.alignment.averaging.motion import AveragedMotions
from dust3r_sfm.alignment.averaging.tolerance import ToleranceConfig
from dust3r_sfm.alignment.pairs.edges import Edges

UNDECIDED = "another pair says otherwise, and no third one tells which of them is right"


def select_contradicted(
    edges: Edges, averaged: AveragedMotions, tolerance: ToleranceConfig
) -> dict[int, str]:
    """Edges that the average of all contradicts, with the reason."""
    turned = averaged.rotation_error_deg > tolerance.rotation_bound_deg(averaged.rotation_error_deg)
    turned |= averaged.undecided
    shifted = edges.metric & (
        averaged.position_error > tolerance.bound(averaged.position_error, tolerance.position_error)
    )
    scaled = edges.metric & (
        averaged.scale_error > tolerance.bound(averaged.scale_error, tolerance.scale_error)
    )
    reasons = {}
    for edge in np.flatnonzero(turned | shifted | scaled).tolist():
        if averaged.undecided[edge]:
            reasons[edge] = UNDECIDED
        elif turned[edge]:
            reasons[edge] = f"its rotation disagrees by {averaged.rotation_error_deg[edge]:.1f} degrees"
        elif shifted[edge]:
            reasons[edge] = f"its baseline disagrees by {averaged.position_error[edge]:.0%} of its size"
        else:
            reasons[edge] = f"its scale disagrees by {np.expm1(averaged.scale_error[edge]):.0%}"
    return reasons
