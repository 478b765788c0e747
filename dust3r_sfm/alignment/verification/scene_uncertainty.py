"""How well the tracks of a scene, and what is known of focals beforehand, tell its cameras."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.pose_covariance import CameraUncertainty, camera_uncertainty
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.types import View


def scene_uncertainty(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    config: VerificationConfig,
    with_prior: bool = True,
) -> CameraUncertainty | None:
    """Of the scene's cameras, by its tracks and, `with_prior`, by what is known of focals beforehand."""
    groups = np.array([init.groups[member] for member in component.members])
    _, first, local = np.unique(groups, return_index=True, return_inverse=True)
    prior = prior_stds([component.members[row] for row in first.tolist()], views, init, config)
    if not with_prior:
        prior = np.where(prior > 0, np.inf, 0.0)
    return camera_uncertainty(
        component.cameras,
        component.cam_from_world,
        component.tracks,
        local.ravel().tolist(),
        prior,
        config.uncertainty,
    )


def prior_log_focal(view: View, config: VerificationConfig) -> tuple[float, float]:
    """log focal in pixels of the stored file, and its standard deviation: from EXIF, else a usual lens."""
    if view.exif_focal_px:
        return float(np.log(view.exif_focal_px / view_scale(view))), config.exif_focal_std
    return float(np.log(config.usual_focal * max(view.original_size))), config.usual_focal_std


def prior_stds(
    members: Sequence[int], views: Sequence[View], init: Initialization, config: VerificationConfig
) -> Float[np.ndarray, " n"]:
    """Standard deviation of what is known of each member's log focal beforehand: 0 where it is given."""
    return np.array(
        [
            0.0 if init.evidence.given[init.groups[m]] else prior_log_focal(views[m], config)[1]
            for m in members
        ]
    )
