"""The relative pose each pair speaks for: camera j resected from its points in camera i's frame.

Done after the focals are known, on the summaries' samples. Pairs that saw no more than a turn of the
camera keep their rotation, from matching rays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.geometry import project, rigid, transform_points
from dust3r_sfm.geometry.resection import Effort, resected
from dust3r_sfm.geometry.turning import fitted_rotation, unit_rays
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, Rigid

MIN_POINTS = 24
"""Fewer known samples than this do not fix a pose."""
MAX_ERROR = 0.03
"""Reprojection error of an inlier, as a fraction of the focal (an angle of 1.7 degrees)."""
MIN_INLIER_RATIO = 0.3
QUICK = Effort((30, 1000), 5)
"""Every pair is resected, and one with so few inliers that it needs more trials is of no use. What follows
refines all poses together, so that this one need not be at its minimum."""


@dataclass(frozen=True)
class Measurement:
    """A pair's j_from_i in the pair's own scale. `metric` pairs constrain positions, others only
    rotations. `strength` is the sum of the inliers' weights."""

    summary: PairSummary
    j_from_i: Rigid
    metric: bool
    strength: float
    median_residual_px: float

    @property
    def pair(self) -> Pair:
        return self.summary.pair


def _measure_metric(
    summary: PairSummary, pixels_j: Float[np.ndarray, "samples 2"], camera: Camera, seed: int
) -> Measurement | str:
    known = summary.weights_j > 0
    if np.count_nonzero(known) < MIN_POINTS or np.count_nonzero(summary.weights_i) < MIN_POINTS:
        return "too few points are known"
    points, pixels = summary.points_j[known].astype(np.float64), pixels_j[known]
    found = resected(points, pixels, camera, MAX_ERROR * camera.fx, seed, QUICK)
    if found is None:
        return "no relative pose fits its points"
    seen = transform_points(found.cam_from_points, points)
    error = np.linalg.norm(project(seen, camera) - pixels, axis=1)
    inlier = (seen[:, 2] > 0) & (error < MAX_ERROR * camera.fx)
    if inlier.mean() < MIN_INLIER_RATIO:
        return f"only {inlier.mean():.0%} of its points fit one relative pose"
    strength = float(summary.weights_j[known][inlier].sum())
    return Measurement(summary, found.cam_from_points, True, strength, float(np.median(error[inlier])))


def _measure_rotation(
    summary: PairSummary, found: Correspondences | None, camera_i: Camera, camera_j: Camera
) -> Measurement | str:
    if found is None or len(found) < MIN_POINTS:
        return "a pure rotation with too few matches"
    rays_i, rays_j = unit_rays(found.pixels_i, camera_i), unit_rays(found.pixels_j, camera_j)
    rotation, error, weights = fitted_rotation(rays_i, rays_j, found.weights.astype(np.float64))
    median_px = float(np.median(error)) * camera_j.fx
    return Measurement(summary, rigid(rotation, np.zeros(3)), False, float(weights.sum()), median_px)


def _measured(
    summary: PairSummary,
    pixels: Sequence[Float[np.ndarray, "samples 2"]],
    cameras: Sequence[Camera],
    found: Correspondences | None,
    seed: int,
) -> Measurement | str:
    i, j = summary.pair.i, summary.pair.j
    if summary.geometry is PairGeometry.UNRELATED:
        return "the two images show nothing in common"
    if summary.geometry is PairGeometry.ROTATION_ONLY:
        return _measure_rotation(summary, found, cameras[i], cameras[j])
    return _measure_metric(summary, pixels[j], cameras[j], seed)


def measure(
    summaries: Sequence[PairSummary],
    pixels: Sequence[Float[np.ndarray, "samples 2"]],
    cameras: Sequence[Camera],
    correspondences: Mapping[Pair, Correspondences],
    seed: int,
    progress: Progress,
) -> tuple[list[Measurement], dict[Pair, str]]:
    """Relative poses of the usable pairs, and why the others are not. `pixels` are each view's samples."""

    def outcome_of(summary: PairSummary) -> Measurement | str:
        return _measured(summary, pixels, cameras, correspondences.get(summary.pair), seed)

    progress.start("Relative poses", len(summaries), "pairs")
    measured: list[Measurement] = []
    reasons: dict[Pair, str] = {}
    for summary, outcome in zip(summaries, in_threads(outcome_of, summaries), strict=True):
        if isinstance(outcome, str):
            reasons[summary.pair] = outcome
        else:
            measured.append(outcome)
        progress.advance()
    return measured, reasons
