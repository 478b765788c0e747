"""The residuals of a problem's edges in standard deviations, a chunk of edges at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.consensus import Consensus
from dust3r_sfm.alignment.problem import Problem, State, edge_cameras
from dust3r_sfm.alignment.residuals import (
    PARAMETERS,
    EdgeCameras,
    Reprojected,
    compared,
    dot,
    match_row,
    moved_by_scale,
    point_row,
    reprojected,
)
from dust3r_sfm.alignment.samples import MatchChunk, PointChunk
from dust3r_sfm.alignment.whitening import (
    EpipolarFrames,
    PointNoise,
    Rows,
    epipolar_frames,
    measuring,
    whitening,
)

Cells = tuple[Int[np.ndarray, "c 1"], Int[np.ndarray, "c m"]]
"""Views, and which of their samples."""


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


@dataclass(frozen=True)
class FrozenPoints:
    """Of a chunk's points what stays while states are tried: the consensus depths they are compared with, the
    directions differences are looked at in (in standard deviations), and weights."""

    chunk: PointChunk
    depth: Float[np.ndarray, "c m"]
    directions: Rows
    weights: Float[np.ndarray, "c m"]


@dataclass(frozen=True)
class FrozenMatches:
    """The same of matches, whose directions are in view j: across the epipolar lines and along them."""

    chunk: MatchChunk
    directions: tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c 2 m"]]
    weights: Float[np.ndarray, "c m"]


@dataclass(frozen=True)
class Frozen:
    """Of all chunks: some 90 bytes a point and 40 a match."""

    points: tuple[FrozenPoints, ...]
    matches: tuple[FrozenMatches, ...]


def frozen(problem: Problem, start: State, seen: Consensus, noise: Noise) -> Frozen:
    """At `start`, the state of a round's beginning."""
    return Frozen(
        tuple(_frozen_points(problem, start, seen, noise, chunk) for chunk in problem.points),
        tuple(_frozen_matches(problem, start, noise, chunk) for chunk in problem.matches),
    )


def terms(problem: Problem, held: Frozen, state: State) -> Iterator[tuple[Int[np.ndarray, " c"], Term]]:
    """Of all edges, each in as many terms as it is in chunks; and which edges a term is of."""
    for points in held.points:
        yield points.chunk.rows, _point_term(problem, points, state)
    for matches in held.matches:
        yield matches.chunk.rows, _match_term(problem, matches, state)


def _frozen_points(
    problem: Problem, start: State, seen: Consensus, noise: Noise, chunk: PointChunk
) -> FrozenPoints:
    rows, samples = chunk.rows, _cells(problem, chunk)
    depth, known = _consensus_depth(seen, samples)
    frames = epipolar_frames(edge_cameras(problem, start, rows), chunk.pixels, depth)
    scale = np.exp(start.log_scale[rows])[:, None, None]
    across, beside, along = whitening(frames, noise.points, seen.shared[samples])
    weights = np.where(known, chunk.weights, 0.0) / noise.points_weight
    return FrozenPoints(chunk, depth, (across * scale, beside * scale, along * scale), weights)


def _point_term(problem: Problem, held: FrozenPoints, state: State) -> Term:
    chunk, depth = held.chunk, held.depth
    cameras = edge_cameras(problem, state, chunk.rows)
    found = compared(cameras, chunk.points, chunk.pixels, depth)
    out = np.empty((len(depth), 3, PARAMETERS + 1, depth.shape[1]))
    for k, direction in enumerate(held.directions):
        point_row(cameras, found, direction, out[:, k])
    return Term(out, held.weights)


def _cells(problem: Problem, chunk: PointChunk) -> Cells:
    return problem.edges.head[chunk.rows][:, None], chunk.columns


def _consensus_depth(
    seen: Consensus, samples: Cells
) -> tuple[Float[np.ndarray, "c m"], Bool[np.ndarray, "c m"]]:
    """Of samples of views (1 where unknown), and where it is known."""
    log_depth = seen.log_depth[samples]
    known = np.isfinite(log_depth)
    return np.exp(np.where(known, log_depth, 0.0)), known


@dataclass(frozen=True)
class ShownPoints:
    """`residual` of points in the rows of `measuring`, NaN where unknown. `shared`: other pairs know
    something there too."""

    residual: Float[np.ndarray, "c 3 m"]
    shared: Bool[np.ndarray, "c m"]
    frames: EpipolarFrames


def shown_points(problem: Problem, state: State, seen: Consensus, chunk: PointChunk) -> ShownPoints:
    samples, cameras = _cells(problem, chunk), edge_cameras(problem, state, chunk.rows)
    depth, known = _consensus_depth(seen, samples)
    frames = epipolar_frames(cameras, chunk.pixels, depth)
    found = compared(cameras, chunk.points, chunk.pixels, depth)
    apart = found.seen - found.target
    known &= chunk.weights > 0
    residual = np.stack([np.where(known, dot(row, apart), np.nan) for row in measuring(frames)], axis=1)
    return ShownPoints(residual, seen.shared[samples], frames)


def _frozen_matches(problem: Problem, start: State, noise: Noise, chunk: MatchChunk) -> FrozenMatches:
    """Across the epipolar line a match errs by its own few tenths of a pixel, along it by what the error
    of the depth it comes with makes there as well."""
    cameras = edge_cameras(problem, start, chunk.rows)
    across, along, travel = _epipolar_lines(cameras, reprojected(cameras, chunk.matches))
    along /= np.hypot(noise.matches_px, noise.match_depth * travel)[:, None]
    return FrozenMatches(chunk, (across / noise.matches_px, along), chunk.weights / noise.matches_weight)


def _match_term(problem: Problem, held: FrozenMatches, state: State) -> Term:
    cameras = edge_cameras(problem, state, held.chunk.rows)
    found = reprojected(cameras, held.chunk.matches)
    count, most = held.weights.shape
    out = np.empty((count, 2, PARAMETERS + 1, most))
    for k, direction in enumerate(held.directions):
        match_row(cameras, found, direction, out[:, k])
    return Term(out, held.weights)


def _epipolar_lines(
    cameras: EdgeCameras, found: Reprojected
) -> tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c m"]]:
    """Directions across and along each match's epipolar line in view j (any where it is a point), and by how
    many pixels it runs there for a relative change of its depth."""
    moved = moved_by_scale(cameras, found)
    travel = np.sqrt(dot(moved, moved))
    runs = travel > 0
    along = np.where(runs[:, None], moved / np.where(runs, travel, 1.0)[:, None], [[[1.0], [0.0]]])
    return np.stack([-along[:, 1], along[:, 0]], axis=1), along, travel


def shown_matches(
    problem: Problem, state: State, chunk: MatchChunk
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, " k"]]:
    """Residuals of all matches in pixels across and along their epipolar lines, and how far these run (see
    `_epipolar_lines`)."""
    cameras = edge_cameras(problem, state, chunk.rows)
    found = reprojected(cameras, chunk.matches)
    across, along, travel = _epipolar_lines(cameras, found)
    present = chunk.weights > 0
    residual = np.stack([dot(line, found.residual)[present] for line in (across, along)], axis=1)
    return residual, travel[present]
