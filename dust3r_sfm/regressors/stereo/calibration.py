"""Cameras of all views from their matches alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from dust3r_sfm.camera_sharing import CameraSharing, group_cameras
from dust3r_sfm.geometry.view_cameras import principal_point, view_camera
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.self_calibration import FocalPrior, FundamentalPair, self_calibrated_focals
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig, fundamental_matrix
from dust3r_sfm.types import Camera, Correspondences, Pair, View

EXIF_SPREAD = 0.05
"""Relative error of most focals in EXIF."""
PLANAR_SHARE = 0.8
"""A pair whose matches one homography explains to this share says nothing of the focal."""


def calibrated_cameras(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    sharing: CameraSharing,
    config: TwoViewConfig,
) -> list[Camera]:
    """A pinhole camera a view, in view pixels: one relative focal for each group of views."""
    groups = group_cameras(views, sharing)
    evidence = []
    for pair, found in matches.items():
        scale_i, scale_j = features[pair.i].resolution, features[pair.j].resolution
        epipolar = fundamental_matrix(
            (found.pixels_i - principal_point(views[pair.i])) * scale_i,
            (found.pixels_j - principal_point(views[pair.j])) * scale_j,
            config,
        )
        if epipolar is not None and epipolar.homography_share < PLANAR_SHARE:
            edges = max(views[pair.i].size) * scale_i, max(views[pair.j].size) * scale_j
            weight = np.sqrt(epipolar.inliers)
            evidence.append(
                FundamentalPair(groups[pair.i], groups[pair.j], *edges, epipolar.fundamental, float(weight))
            )
    focals = self_calibrated_focals(evidence, _priors(views, groups))
    return [
        view_camera(view, focals[group] * max(view.size)) for view, group in zip(views, groups, strict=True)
    ]


def _priors(views: Sequence[View], groups: Sequence[int]) -> list[FocalPrior | None]:
    priors: list[FocalPrior | None] = [None] * (max(groups) + 1)
    for group in range(len(priors)):
        said = [
            view.exif_focal_px / max(view.size)
            for view, member in zip(views, groups, strict=True)
            if member == group and view.exif_focal_px
        ]
        if said:
            priors[group] = FocalPrior(float(np.median(said)), EXIF_SPREAD)
    return priors
