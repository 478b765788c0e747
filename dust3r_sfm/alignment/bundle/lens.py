"""Whether photos were taken through a lens that bends, as far as bundle adjustment tells."""

from dataclasses import replace

import numpy as np

from dust3r_sfm.alignment.bundle.adjustment import AdjustmentSettings, Bundle, adjust_bundle
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.robust_triangulation import TriangulatedPoints
from dust3r_sfm.alignment.bundle.tracks import Observations
from dust3r_sfm.alignment.bundle.triangulation import rays, reprojection_errors
from dust3r_sfm.parallel import in_threads


def decide_lens(
    straight: Bundle, points: TriangulatedPoints, settings: AdjustmentSettings, config: BundleConfig
) -> Bundle:
    """With radial distortion where the photos speak for it clearly, else as given: a lens that is not
    needed costs accuracy, and readers of pinhole models."""
    seen = points.observations
    free = ~np.isin(straight.camera_of_view, sorted(straight.held_cameras))
    count = len(straight.cameras) - len(straight.held_cameras)
    if count == 0 or np.count_nonzero(free[seen.view_index]) < config.min_lens_observations * count:
        return straight
    # Both go on from the same state, so that what further steps gain alone is not taken for a lens.
    both = [replace(settings, distortion=bends) for bends in (False, True)]
    further, bent = in_threads(lambda setting: adjust_bundle(straight, seen, setting, config), both)
    further_cost, bent_cost = (_cost(each, seen, settings.loss_px, config) for each in (further, bent))
    return bent if further_cost - bent_cost > config.lens_gain * count else further


def _cost(bundle: Bundle, observations: Observations, loss_px: float, config: BundleConfig) -> float:
    """What adjustment minimises, twice over, in squares of `loss_px`, no observation counting more than the
    largest error that is allowed."""
    seen = rays(observations, bundle.view_cameras(), bundle.cam_from_world)
    errors = reprojection_errors(observations, seen, bundle.xyz)
    return float(np.log1p(np.minimum(errors / loss_px, 1.0 / config.loss_share) ** 2).sum())
