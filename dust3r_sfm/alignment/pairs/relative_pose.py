"""The relative pose each pair speaks for: camera j resected from its points in camera i's frame.

Done after the focals are known, on the summaries' samples. Pairs that saw no more than a turn of the
camera keep their rotation, from matching rays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.geometry import project, rigid, transform_points
from dust3r_sfm.geometry.projection import unit_rays
from dust3r_sfm.geometry.resection import Effort, resect
from dust3r_sfm.geometry.turning import fit_rotation
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, Rigid


@dataclass(frozen=True)
class RelativePoseConfig:
    """When the points of a pair speak for a relative pose."""

    min_points: int = 24
    """Known samples of either view: fewer do not fix a pose."""
    max_error: float = 0.03
    """Reprojection error of an inlier over the focal (an angle of 1.7 degrees)."""
    min_inlier_ratio: float = 0.3
    """Inliers over all known samples."""
    effort: Effort = field(default_factory=lambda: Effort((30, 1000), 5))
    """Of RANSAC: every pair is resected, and one with so few inliers that it needs more trials is of no use.
    What follows refines all poses together, so that this one need not be at its minimum."""


@dataclass(frozen=True)
class RelativePose:
    """What one pair says of its two cameras."""

    summary: PairSummary
    """What it was estimated from."""
    j_from_i: Rigid
    """In the pair's own scale."""
    metric: bool
    """Whether it constrains positions; if not, only rotations."""
    strength: float
    """Sum of the inliers' weights."""
    median_residual_px: float
    """Of the inliers, in view pixels."""

    @property
    def pair(self) -> Pair:
        return self.summary.pair


def _resect_second_camera(
    summary: PairSummary,
    pixels_j: Float[np.ndarray, "samples 2"],
    camera: Camera,
    seed: int,
    config: RelativePoseConfig,
) -> RelativePose | str:
    known = summary.weights_j > 0
    if min(np.count_nonzero(known), np.count_nonzero(summary.weights_i)) < config.min_points:
        return "too few points are known"
    points, pixels = summary.points_j[known].astype(np.float64), pixels_j[known]
    found = resect(points, pixels, camera, config.max_error * camera.fx, seed, config.effort)
    if found is None:
        return "no relative pose fits its points"
    seen = transform_points(found.cam_from_points, points)
    error = np.linalg.norm(project(seen, camera) - pixels, axis=1)
    inlier = (seen[:, 2] > 0) & (error < config.max_error * camera.fx)
    if inlier.mean() < config.min_inlier_ratio:
        return f"only {inlier.mean():.0%} of its points fit one relative pose"
    strength = float(summary.weights_j[known][inlier].sum())
    return RelativePose(summary, found.cam_from_points, True, strength, float(np.median(error[inlier])))


def _fit_turn(
    summary: PairSummary,
    found: Correspondences | None,
    camera_i: Camera,
    camera_j: Camera,
    config: RelativePoseConfig,
) -> RelativePose | str:
    if found is None or len(found) < config.min_points:
        return "a pure rotation with too few matches"
    rays_i, rays_j = unit_rays(found.pixels_i, camera_i), unit_rays(found.pixels_j, camera_j)
    rotation, error, weights = fit_rotation(rays_i, rays_j, found.weights.astype(np.float64))
    median_px = float(np.median(error)) * camera_j.fx
    return RelativePose(summary, rigid(rotation, np.zeros(3)), False, float(weights.sum()), median_px)


def _estimate_relative_pose(
    summary: PairSummary,
    pixels: Sequence[Float[np.ndarray, "samples 2"]],
    cameras: Sequence[Camera],
    found: Correspondences | None,
    seed: int,
    config: RelativePoseConfig,
) -> RelativePose | str:
    i, j = summary.pair.i, summary.pair.j
    if summary.geometry is PairGeometry.UNRELATED:
        return "the two images show nothing in common"
    if summary.geometry is PairGeometry.ROTATION_ONLY:
        return _fit_turn(summary, found, cameras[i], cameras[j], config)
    return _resect_second_camera(summary, pixels[j], cameras[j], seed, config)


def estimate_relative_poses(
    summaries: Sequence[PairSummary],
    pixels: Sequence[Float[np.ndarray, "samples 2"]],
    cameras: Sequence[Camera],
    correspondences: Mapping[Pair, Correspondences],
    seed: int,
    config: RelativePoseConfig,
    progress: Progress,
) -> tuple[list[RelativePose], dict[Pair, str]]:
    """Relative poses of the usable pairs, and why the others are not. `pixels` are each view's samples."""

    def outcome_of(summary: PairSummary) -> RelativePose | str:
        return _estimate_relative_pose(
            summary, pixels, cameras, correspondences.get(summary.pair), seed, config
        )

    progress.start("Relative poses", len(summaries), "pairs")
    measured: list[RelativePose] = []
    reasons: dict[Pair, str] = {}
    for summary, outcome in zip(summaries, in_threads(outcome_of, summaries), strict=True):
        if isinstance(outcome, str):
            reasons[summary.pair] = outcome
        else:
            measured.append(outcome)
        progress.advance()
    return measured, reasons
