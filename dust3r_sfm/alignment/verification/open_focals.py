"""Focals that a scene's tracks do not tell: what is usual decides, and the rest is adjusted around it.

Cameras that move without turning, or that look at a plane, fit their tracks with almost any focal. Bundle
adjustment then ends wherever it began or wandered; a prior of the field (EXIF, or a usual lens) is the
better guess, and that it is one is told by the focal's standard deviation."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dust3r_sfm.alignment.bundle.component_refinement import readjust_without
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.scene_uncertainty import prior_log_focal, scene_uncertainty
from dust3r_sfm.geometry.cameras import replace_focals
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.types import View


def hold_open_focals(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    config: VerificationConfig,
    bundle: BundleConfig | None,
) -> Component:
    """The scene with the focals that its tracks leave open put where tracks and prior together have them,
    and held there while the rest is adjusted anew; untouched where the tracks tell all focals."""
    known = scene_uncertainty(component, views, init, config, with_prior=False)
    if known is None:
        return component
    open_ = known.log_focal_std > config.max_focal_std
    if not open_.any():
        return component
    evidence, cameras = init.evidence, list(component.cameras)
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for row in np.flatnonzero(open_).tolist():
        member = component.members[row]
        view, group = views[member], init.groups[member]
        prior, prior_std = prior_log_focal(view, config)
        own = float(np.log(component.cameras[row].fx / view_scale(view)))
        weights = known.log_focal_std[row] ** -2.0, prior_std**-2.0
        if not np.isinf(information[group]):
            log_focal[group] = np.average([own, prior], weights=weights)
            information[group] = np.inf
        focal = float(np.exp(log_focal[group])) * view_scale(view)
        cameras[row] = replace_focals(component.cameras[row], focal, focal)
    held = replace(init, evidence=FocalEvidence(log_focal, information))
    adjusted = replace(component, cameras=tuple(cameras))
    return readjust_without(adjusted, (), views, held, bundle)
