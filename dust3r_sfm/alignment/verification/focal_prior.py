"""Focals that a scene's tracks do not tell: what is usual decides, and the rest is adjusted around it.

Cameras that move without turning, or that look at a plane, fit their tracks with almost any focal. Bundle
adjustment then ends wherever it began or wandered; a prior of the field (EXIF, or a usual lens) is the
better guess, and that it is one is told by the focal's standard deviation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dust3r_sfm.alignment.bundle.image_registration import without
from dust3r_sfm.alignment.bundle.refined_component import Posed
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.pairs.initialization import Start
from dust3r_sfm.alignment.verification.checks import prior_log_focal, scene_uncertainty
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.types import View


def with_usual_focals(posed: Posed, views: Sequence[View], start: Start, config: AlignmentConfig) -> Posed:
    """The scene with the focals that its tracks leave open put where tracks and prior together have them,
    and held there while the rest is adjusted anew; untouched where the tracks tell all focals."""
    known = scene_uncertainty(posed, views, start, config.verification, with_prior=False)
    if known is None:
        return posed
    open_ = known.log_focal_std > config.verification.max_focal_std
    if not open_.any():
        return posed
    evidence, cameras = start.evidence, list(posed.cameras)
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for row in np.flatnonzero(open_).tolist():
        member = posed.members[row]
        view, group = views[member], start.groups[member]
        prior, prior_std = prior_log_focal(view, config.verification)
        own = float(np.log(posed.cameras[row].fx / view_scale(view)))
        weights = known.log_focal_std[row] ** -2.0, prior_std**-2.0
        if not np.isinf(information[group]):
            log_focal[group] = np.average([own, prior], weights=weights)
            information[group] = np.inf
        focal = float(np.exp(log_focal[group])) * view_scale(view)
        cameras[row] = replace(posed.cameras[row], fx=focal, fy=focal)
    held = replace(start, evidence=FocalEvidence(log_focal, information))
    return without(replace(posed, cameras=tuple(cameras)), set(), views, held, config)
