"""Cameras of all views from their matches alone, and which pairs to believe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.geometry.view_cameras import view_camera
from dust3r_sfm.regressors.stereo.config import StereoConfig
from dust3r_sfm.regressors.stereo.epipolar import PairMatches
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.pure_rotation import find_turns
from dust3r_sfm.regressors.stereo.repetition import repeating_pairs
from dust3r_sfm.regressors.stereo.self_calibration import (
    FocalPrior,
    FundamentalPair,
    SelfCalibrationConfig,
    self_calibrate_focals,
)
from dust3r_sfm.regressors.stereo.two_view import Epipolar
from dust3r_sfm.types import Camera, Pair, View


@dataclass(frozen=True)
class Calibration:
    """What all pairs together say of the cameras."""

    cameras: Sequence[Camera]
    """A pinhole camera a view, in view pixels."""
    believed: PairMatches
    """All matches, and the epipolar geometry of the pairs that neither repeating things nor a turn taken for
    parallax speak against."""
    turning: frozenset[Pair]
    """Pairs that a turn of the camera on the spot explains."""


def calibrate(
    views: Sequence[View], features: Sequence[Features], known: PairMatches, config: StereoConfig
) -> Calibration:
    """Leaves out pairs of things that repeat, then those that mistook something in a set of turns, and
    calibrates on the rest."""
    matches = known.matches
    repeating = repeating_pairs(
        views, features, matches, list(known.epipolar), config.two_view, config.repetition
    )
    epipolar = {pair: found for pair, found in known.epipolar.items() if pair not in repeating}
    turns = find_turns(views, features, matches, epipolar, config.turns)
    epipolar = {pair: found for pair, found in epipolar.items() if pair not in turns.mistaken}
    cameras = calibrate_cameras(views, features, epipolar, config)
    return Calibration(cameras, replace(known, epipolar=epipolar), turns.turning)


def calibrate_cameras(
    views: Sequence[View],
    features: Sequence[Features],
    epipolar: Mapping[Pair, Epipolar],
    config: StereoConfig,
) -> list[Camera]:
    """A pinhole camera a view, in view pixels: one relative focal for each group of views, but for those of
    which it is known."""
    groups = group_cameras(views, config.cameras)
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
        if found.homography_share < config.two_view.planar_share
    ]
    priors = _priors(views, groups, config.self_calibration)
    focals = self_calibrate_focals(evidence, priors, config.self_calibration)
    return [
        view_camera(view, view.known_focal_px or focals[group] * max(view.size))
        for view, group in zip(views, groups, strict=True)
    ]


def _priors(
    views: Sequence[View], groups: Sequence[int], config: SelfCalibrationConfig
) -> list[FocalPrior | None]:
    """What is known, else what EXIF says."""
    priors: list[FocalPrior | None] = [None] * (max(groups) + 1)
    for group in range(len(priors)):
        members = [view for view, member in zip(views, groups, strict=True) if member == group]
        known = [view.known_focal_px / max(view.size) for view in members if view.known_focal_px]
        said = [view.exif_focal_px / max(view.size) for view in members if view.exif_focal_px]
        if known or said:
            spread = 0.0 if known else config.exif_spread
            priors[group] = FocalPrior(float(np.median(known or said)), spread)
    return priors
