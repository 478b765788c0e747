"""Cameras of all views from their matches alone."""

from collections.abc import Mapping, Sequence

import numpy as np

from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.camera_sharing import CameraSharing
from dust3r_sfm.geometry.view_cameras import principal_point, view_camera
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.self_calibration import FocalPrior, FundamentalPair, self_calibrated_focals
from dust3r_sfm.regressors.stereo.two_view import PLANAR_SHARE, Epipolar, TwoViewConfig, fundamental_matrix
from dust3r_sfm.types import Camera, Correspondences, Pair, View

EXIF_SPREAD = 0.05
"""Relative error of most focals in EXIF."""
MOST_MATCHES = 1000
"""Matches of a pair that its fundamental matrix is estimated from."""


def epipolar_geometries(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    config: TwoViewConfig,
) -> dict[Pair, Epipolar]:
    """Fundamental matrices of the pairs that have one: the others show nothing in common."""

    def epipolar(pair: Pair) -> Epipolar | None:
        found = matches[pair]
        # One pair needs no more than this to say all it can.
        rows = np.linspace(0, len(found) - 1, min(len(found), MOST_MATCHES)).round().astype(np.int64)
        return fundamental_matrix(
            (found.pixels_i[rows] - principal_point(views[pair.i])) * features[pair.i].resolution,
            (found.pixels_j[rows] - principal_point(views[pair.j])) * features[pair.j].resolution,
            config,
        )

    found = zip(matches, in_threads(epipolar, matches), strict=True)
    return {pair: geometry for pair, geometry in found if geometry is not None}


def calibrated_cameras(
    views: Sequence[View],
    features: Sequence[Features],
    epipolar: Mapping[Pair, Epipolar],
    sharing: CameraSharing,
) -> list[Camera]:
    """A pinhole camera a view, in view pixels: one relative focal for each group of views, but for those of
    which it is known."""
    groups = group_cameras(views, sharing)
    edges = [max(view.size) * found.resolution for view, found in zip(views, features, strict=True)]
    evidence = [
        FundamentalPair(
            groups[pair.i],
            groups[pair.j],
            edges[pair.i],
            edges[pair.j],
            found.fundamental,
            float(np.sqrt(found.inliers)),
        )
        for pair, found in epipolar.items()
        if found.homography_share < PLANAR_SHARE
    ]
    focals = self_calibrated_focals(evidence, _priors(views, groups))
    return [
        view_camera(view, view.known_focal_px or focals[group] * max(view.size))
        for view, group in zip(views, groups, strict=True)
    ]


def _priors(views: Sequence[View], groups: Sequence[int]) -> list[FocalPrior | None]:
    """What is known, else what EXIF says."""
    priors: list[FocalPrior | None] = [None] * (max(groups) + 1)
    for group in range(len(priors)):
        members = [view for view, member in zip(views, groups, strict=True) if member == group]
        known = [view.known_focal_px / max(view.size) for view in members if view.known_focal_px]
        said = [view.exif_focal_px / max(view.size) for view in members if view.exif_focal_px]
        if known or said:
            priors[group] = FocalPrior(float(np.median(known or said)), 0.0 if known else EXIF_SPREAD)
    return priors
