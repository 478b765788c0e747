"""The residuals of a problem's edges in standard deviations, a chunk of edges at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.refinement.consensus import Consensus
from dust3r_sfm.alignment.refinement.linearization import (
    Frozen,
    FrozenMatches,
    FrozenPoints,
    cells_of,
    consensus_depth,
    epipolar_lines,
)
from dust3r_sfm.alignment.refinement.noise_model import EpipolarFrames, epipolar_frames, measuring
from dust3r_sfm.alignment.refinement.problem import Problem, State, edge_cameras
from dust3r_sfm.alignment.refinement.residuals import (
    PARAMETERS,
    compared,
    dot,
    match_row,
    point_row,
    reprojected,
)
from dust3r_sfm.alignment.refinement.samples import MatchChunk, PointChunk


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


def terms(problem: Problem, held: Frozen, state: State) -> Iterator[tuple[Int[np.ndarray, " c"], Term]]:
    """Of all edges, each in as many terms as it is in chunks; and which edges a term is of."""
    for points in held.points:
        yield points.chunk.rows, _point_term(problem, points, state)
    for matches in held.matches:
        yield matches.chunk.rows, _match_term(problem, matches, state)


def _point_term(problem: Problem, held: FrozenPoints, state: State) -> Term:
    chunk, depth = held.chunk, held.depth
    cameras = edge_cameras(problem, state, chunk.rows)
    found = compared(cameras, chunk.points, chunk.pixels, depth)
    out = np.empty((len(depth), 3, PARAMETERS + 1, depth.shape[1]))
    for k, direction in enumerate(held.directions):
        point_row(cameras, found, direction, out[:, k])
    return Term(out, held.weights)


@dataclass(frozen=True)
class ShownPoints:
    """`residual` of points in the rows of `measuring`, NaN where unknown. `shared`: other pairs know
    something there too."""

    residual: Float[np.ndarray, "c 3 m"]
    shared: Bool[np.ndarray, "c m"]
    frames: EpipolarFrames


def shown_points(problem: Problem, state: State, seen: Consensus, chunk: PointChunk) -> ShownPoints:
    samples, cameras = cells_of(problem, chunk), edge_cameras(problem, state, chunk.rows)
    depth, known = consensus_depth(seen, samples)
    frames = epipolar_frames(cameras, chunk.pixels, depth)
    found = compared(cameras, chunk.points, chunk.pixels, depth)
    apart = found.seen - found.target
    known &= chunk.weights > 0
    residual = np.stack([np.where(known, dot(row, apart), np.nan) for row in measuring(frames)], axis=1)
    return ShownPoints(residual, seen.shared[samples], frames)


def _match_term(problem: Problem, held: FrozenMatches, state: State) -> Term:
    cameras = edge_cameras(problem, state, held.chunk.rows)
    found = reprojected(cameras, held.chunk.matches)
    count, most = held.weights.shape
    out = np.empty((count, 2, PARAMETERS + 1, most))
    for k, direction in enumerate(held.directions):
        match_row(cameras, found, direction, out[:, k])
    return Term(out, held.weights)


def shown_matches(
    problem: Problem, state: State, chunk: MatchChunk
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, " k"]]:
    """Residuals of all matches in pixels across and along their epipolar lines, and how far these run (see
    `epipolar_lines`)."""
    cameras = edge_cameras(problem, state, chunk.rows)
    found = reprojected(cameras, chunk.matches)
    across, along, travel = epipolar_lines(cameras, found)
    present = chunk.weights > 0
    residual = np.stack([dot(line, found.residual)[present] for line in (across, along)], axis=1)
    return residual, travel[present]
