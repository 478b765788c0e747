"""From evidence to the edges that are solved: summaries, cameras, relative poses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.known_cameras import (
    Known,
    Presets,
    known_log_focals,
    known_of_views,
    split_groups,
    undistort_matches,
    undistort_pixels,
)
from dust3r_sfm.alignment.pairs.focals import FocalEvidence, FocalEvidenceConfig, focal_evidence
from dust3r_sfm.alignment.pairs.relative_pose import RelativePose, RelativePoseConfig, estimate_relative_poses
from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.camera_sharing import CameraSharing
from dust3r_sfm.evidence import Evidence, PairSummary
from dust3r_sfm.evidence.summary import sample_pixels
from dust3r_sfm.geometry.resection import focal_by_resection
from dust3r_sfm.geometry.view_cameras import view_camera, view_scale
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Camera, Correspondences, Pair, View


@dataclass(frozen=True)
class PairsConfig:
    """What each pair is asked."""

    relative_pose: RelativePoseConfig = field(default_factory=RelativePoseConfig)
    """When its points speak for a relative pose."""
    focals: FocalEvidenceConfig = field(default_factory=FocalEvidenceConfig)
    """How surely it tells a focal."""


@dataclass(frozen=True)
class Initialization:
    """All that is known before anything is solved together. Views and pairs are numbered among ALL views."""

    summaries: tuple[PairSummary, ...]
    """What each pair says, usable or not."""
    correspondences: Mapping[Pair, Correspondences]
    """In view pixels."""
    pixels: Float[np.ndarray, "n samples 2"]
    """Each view's samples as ideal cameras would see them (see `known_cameras.undistort_pixels`)."""
    groups: tuple[int, ...]
    """Which views have one camera: a number each."""
    evidence: FocalEvidence
    """What is known of each group's focal."""
    known: Known
    """What was given."""
    relative_poses: tuple[RelativePose, ...]
    """Of the usable pairs; their matches as ideal cameras would see them."""
    unusable: Mapping[Pair, str]
    """Why the other pairs are not."""
    seed: int
    """Of every random choice."""


def initialize(
    views: Sequence[View],
    evidence: Evidence,
    cameras: CameraSharing,
    presets: Presets,
    config: PairsConfig,
    seed: int,
    progress: Progress,
) -> Initialization:
    """What follows for each pair on its own, and from all pairs for the cameras. `cameras`: which views share
    one."""
    summaries = evidence.summaries
    pixels = np.stack([sample_pixels(view, len(summaries[0].depth_i)) for view in views])
    known = known_of_views(views, presets)
    groups = split_groups(group_cameras(views, cameras), known, views)
    given = known_log_focals(groups, known, views)
    focals = focal_evidence(views, groups, summaries, given, config.focals)
    focals = _complete(focals, views, groups, summaries, pixels, config.focals, seed)
    starting = [
        camera or view_camera(view, float(np.exp(focals.log_focal[group])) * view_scale(view))
        for view, group, camera in zip(views, groups, known.cameras, strict=True)
    ]
    poses, unusable = estimate_relative_poses(
        summaries, list(pixels), starting, evidence.correspondences, seed, config.relative_pose, progress
    )
    return Initialization(
        summaries,
        evidence.correspondences,
        np.stack([undistort_pixels(*row) for row in zip(pixels, views, known.cameras, strict=True)]),
        groups,
        focals,
        known,
        tuple(_undistort(pose, views, known) for pose in poses),
        unusable,
        seed,
    )


def _undistort(pose: RelativePose, views: Sequence[View], known: Known) -> RelativePose:
    """With matches as ideal cameras would see them, where the real ones are known."""
    summary, (i, j) = pose.summary, (pose.pair.i, pose.pair.j)
    if known.cameras[i] is None and known.cameras[j] is None:
        return pose
    matches = undistort_matches(summary.matches, views[i], views[j], known.cameras[i], known.cameras[j])
    return replace(pose, summary=replace(summary, matches=matches))


def _complete(
    evidence: FocalEvidence,
    views: Sequence[View],
    groups: Sequence[int],
    summaries: Sequence[PairSummary],
    pixels: Float[np.ndarray, "n samples 2"],
    config: FocalEvidenceConfig,
    seed: int,
) -> FocalEvidence:
    """Focals for groups without evidence: by resection of their views, or a guess that weighs little."""
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for group in np.flatnonzero(np.isnan(log_focal)).tolist():
        asked = [s for s in summaries if groups[s.pair.j] == group]
        asked = sorted(asked, key=lambda s: -float(s.weights_j.sum()))[: config.resections]
        focals = [
            _resect_focal(s, views[s.pair.j], pixels[s.pair.j], config.guessed_focal, seed) for s in asked
        ]
        found = [focal for focal in focals if focal]
        if found:
            log_focal[group], information[group] = np.log(np.median(found)), config.resected_spread**-2
        else:
            member = views[groups.index(group)]
            log_focal[group] = np.log(config.guessed_focal * max(member.original_size))
            information[group] = config.guessed_spread**-2
    return FocalEvidence(log_focal, information)


def _resect_focal(
    summary: PairSummary,
    view: View,
    pixels: Float[np.ndarray, "samples 2"],
    guess: float,
    seed: int,
) -> float | None:
    """Focal of view j in original pixels, from its points in camera i's frame. `guess`: over long edge."""
    known = summary.weights_j > 0
    camera: Camera = view_camera(view, guess * max(view.size))
    points = summary.points_j[known].astype(np.float64)
    found = focal_by_resection(points, pixels[known], camera, seed) if known.any() else None
    return None if found is None else found / view_scale(view)
