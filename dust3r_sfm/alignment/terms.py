"""The residuals of a problem's edges in standard deviations, a chunk of edges at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.consensus import Consensus
from dust3r_sfm.alignment.problem import Problem, State, edge_cameras
from dust3r_sfm.alignment.residuals import (
    PARAMETERS,
    Compared,
    EdgeCameras,
    Matches,
    Reprojected,
    compared,
    dot,
    match_row,
    moved_by_scale,
    point_row,
    reprojected,
)
from dust3r_sfm.alignment.whitening import (
    EpipolarFrames,
    PointNoise,
    epipolar_frames,
    measuring,
    whitening,
)

CHUNK = 4096
"""Samples, of as many edges as that makes, linearised together: what they need fits a core's cache."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of points, of matches (px) and of the depths they come with (relative), and the
    mean weight of points and of matches."""

    points: PointNoise
    matches_px: float
    match_depth: float
    points_weight: float
    matches_weight: float


@dataclass(frozen=True)
class Term:
    """Residuals in standard deviations of some edges' points or matches, with weights (0: none). Behind the
    Jacobian of each, by the parameters of `residuals`, stands the residual itself."""

    rows: Float[np.ndarray, "c k 11 m"]
    weights: Float[np.ndarray, "c m"]

    @property
    def squared(self) -> Float[np.ndarray, "c m"]:
        residual = self.rows[:, :, PARAMETERS]
        return dot(residual, residual)


def chunks(problem: Problem) -> list[slice]:
    """Rows of edges."""
    count, samples = problem.edges.weights_j.shape
    step = max(1, CHUNK // samples)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def terms(
    problem: Problem, start: State, state: State, seen: Consensus, noise: Noise
) -> Iterator[tuple[slice, Term]]:
    """`start` is the state of the round's beginning, where covariances and directions are frozen."""
    for rows in chunks(problem):
        yield rows, _point_term(problem, start, state, seen, noise, rows)
        if problem.edges.match_weights.shape[1]:
            yield rows, _match_term(problem, start, state, noise, rows)


def _point_term(
    problem: Problem, start: State, state: State, seen: Consensus, noise: Noise, rows: slice
) -> Term:
    depth, known = _consensus_depth(problem, seen, rows)
    frames = _frames(problem, start, depth, rows)
    scale = np.exp(start.log_scale[rows])[:, None, None]
    cameras = edge_cameras(problem, state, rows)
    found = _compared(problem, cameras, depth, rows)
    out = np.empty((len(depth), 3, PARAMETERS + 1, depth.shape[1]))
    for k, direction in enumerate(whitening(frames, noise.points, seen.shared[problem.edges.head[rows]])):
        point_row(cameras, found, direction * scale, out[:, k])
    return Term(out, np.where(known, problem.edges.weights_j[rows], 0.0) / noise.points_weight)


def _consensus_depth(
    problem: Problem, seen: Consensus, rows: slice
) -> tuple[Float[np.ndarray, "c m"], Bool[np.ndarray, "c m"]]:
    """Of the samples of view j of some edges (1 where unknown), and where it is known."""
    log_depth = seen.log_depth[problem.edges.head[rows]]
    known = np.isfinite(log_depth)
    return np.exp(np.where(known, log_depth, 0.0)), known


def _sample_pixels(problem: Problem, rows: slice) -> Float[np.ndarray, "c 2 m"]:
    return np.swapaxes(problem.pixels[problem.edges.head[rows]], 1, 2)


def _frames(problem: Problem, state: State, depth: Float[np.ndarray, "c m"], rows: slice) -> EpipolarFrames:
    return epipolar_frames(edge_cameras(problem, state, rows), _sample_pixels(problem, rows), depth)


def _compared(
    problem: Problem, cameras: EdgeCameras, depth: Float[np.ndarray, "c m"], rows: slice
) -> Compared:
    points = np.swapaxes(problem.edges.points_j[rows], 1, 2).astype(np.float64, order="C")
    return compared(cameras, points, _sample_pixels(problem, rows), depth)


def shown_points(
    problem: Problem, state: State, seen: Consensus, rows: slice
) -> tuple[Float[np.ndarray, "c 3 m"], EpipolarFrames]:
    """Residuals of points in the rows of `measuring`, NaN where unknown."""
    depth, known = _consensus_depth(problem, seen, rows)
    frames = _frames(problem, state, depth, rows)
    found = _compared(problem, edge_cameras(problem, state, rows), depth, rows)
    apart = found.seen - found.target
    known &= problem.edges.weights_j[rows] > 0
    return np.stack([np.where(known, dot(row, apart), np.nan) for row in measuring(frames)], axis=1), frames


def _match_term(problem: Problem, start: State, state: State, noise: Noise, rows: slice) -> Term:
    """Across the epipolar line a match errs by its own few tenths of a pixel, along it by what the error
    of the depth it comes with makes there as well."""
    along, travel = _epipolar_lines(problem, start, rows)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / noise.matches_px
    along /= np.hypot(noise.matches_px, noise.match_depth * travel)[:, None]
    cameras, found = _reprojected(problem, state, rows)
    out = np.empty((len(travel), 2, PARAMETERS + 1, travel.shape[1]))
    for k, direction in enumerate((across, along)):
        match_row(cameras, found, direction, out[:, k])
    return Term(out, problem.edges.match_weights[rows] / noise.matches_weight)


def _reprojected(problem: Problem, state: State, rows: slice) -> tuple[EdgeCameras, Reprojected]:
    edges, cameras = problem.edges, edge_cameras(problem, state, rows)
    matches = Matches(
        np.swapaxes(edges.match_pixels_i[rows], 1, 2),
        edges.match_depth_i[rows],
        np.swapaxes(edges.match_pixels_j[rows], 1, 2),
    )
    return cameras, reprojected(cameras, matches)


def _epipolar_lines(
    problem: Problem, state: State, rows: slice
) -> tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c m"]]:
    """Direction of each match's epipolar line in view j (any where it is a point), and by how many pixels
    it runs there for a relative change of its depth."""
    moved = moved_by_scale(*_reprojected(problem, state, rows))
    travel = np.sqrt(dot(moved, moved))
    runs = travel > 0
    along = np.where(runs[:, None], moved / np.where(runs, travel, 1.0)[:, None], [[[1.0], [0.0]]])
    return along, travel


def shown_matches(
    problem: Problem, state: State, rows: slice
) -> tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c m"]]:
    """Residuals of matches in pixels across and along their epipolar lines, NaN where there is none, and
    how far these run (see `_epipolar_lines`)."""
    along, travel = _epipolar_lines(problem, state, rows)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    _, found = _reprojected(problem, state, rows)
    residual = np.stack([dot(across, found.residual), dot(along, found.residual)], axis=1)
    present = problem.edges.match_weights[rows] > 0
    return np.where(present[:, None], residual, np.nan), travel
