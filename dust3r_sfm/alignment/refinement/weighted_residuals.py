"""The residuals of a problem's edges in standard deviations, a chunk of edges at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.refinement.consensus import Consensus
from dust3r_sfm.alignment.refinement.noise_model import EpipolarFrames, epipolar_frames, noise_scale_rows
from dust3r_sfm.alignment.refinement.problem import Problem, State, edge_cameras
from dust3r_sfm.alignment.refinement.residual_blocks import (
    MatchBlock,
    PointBlock,
    ResidualBlocks,
    cells_of,
    consensus_depth,
    epipolar_lines,
)
from dust3r_sfm.alignment.refinement.residuals import (
    PARAMETERS,
    compare_points,
    dot,
    match_row,
    point_row,
    reproject_matches,
)
from dust3r_sfm.alignment.refinement.samples import MatchChunk, PointChunk


@dataclass(frozen=True)
class LinearisedBlock:
    """Residuals in standard deviations of some edges' points or matches, with weights (0: none). Behind the
    Jacobian of each, by the parameters of `residuals`, stands the residual itself."""

    rows: Float[np.ndarray, "c k 11 m"]
    weights: Float[np.ndarray, "c m"]

    @property
    def squared(self) -> Float[np.ndarray, "c m"]:
        residual = self.rows[:, :, PARAMETERS]
        return dot(residual, residual)


def linearise_blocks(
    problem: Problem, blocks: ResidualBlocks, state: State
) -> Iterator[tuple[Int[np.ndarray, " c"], LinearisedBlock]]:
    """Of all edges, each in as many blocks as it is in chunks; and which edges a block is of."""
    for points in blocks.points:
        yield points.chunk.rows, _linearise_points(problem, points, state)
    for matches in blocks.matches:
        yield matches.chunk.rows, _linearise_matches(problem, matches, state)


def _linearise_points(problem: Problem, block: PointBlock, state: State) -> LinearisedBlock:
    chunk, depth = block.chunk, block.depth
    cameras = edge_cameras(problem, state, chunk.rows)
    found = compare_points(cameras, chunk.points, chunk.pixels, depth)
    out = np.empty((len(depth), 3, PARAMETERS + 1, depth.shape[1]))
    for k, direction in enumerate(block.directions):
        point_row(cameras, found, direction, out[:, k])
    return LinearisedBlock(out, block.weights)


@dataclass(frozen=True)
class PointResiduals:
    """`residual` of points in the rows of `noise_scale_rows`, NaN where unknown. `shared`: other pairs know
    something there too."""

    residual: Float[np.ndarray, "c 3 m"]
    shared: Bool[np.ndarray, "c m"]
    frames: EpipolarFrames


def point_residuals(problem: Problem, state: State, seen: Consensus, chunk: PointChunk) -> PointResiduals:
    samples, cameras = cells_of(problem, chunk), edge_cameras(problem, state, chunk.rows)
    depth, known = consensus_depth(seen, samples)
    frames = epipolar_frames(cameras, chunk.pixels, depth)
    found = compare_points(cameras, chunk.points, chunk.pixels, depth)
    apart = found.seen - found.target
    known &= chunk.weights > 0
    residual = np.stack(
        [np.where(known, dot(row, apart), np.nan) for row in noise_scale_rows(frames)], axis=1
    )
    return PointResiduals(residual, seen.shared[samples], frames)


def _linearise_matches(problem: Problem, block: MatchBlock, state: State) -> LinearisedBlock:
    cameras = edge_cameras(problem, state, block.chunk.rows)
    found = reproject_matches(cameras, block.chunk.matches)
    count, most = block.weights.shape
    out = np.empty((count, 2, PARAMETERS + 1, most))
    for k, direction in enumerate(block.directions):
        match_row(cameras, found, direction, out[:, k])
    return LinearisedBlock(out, block.weights)


def match_residuals(
    problem: Problem, state: State, chunk: MatchChunk
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, " k"]]:
    """Residuals of all matches in pixels across and along their epipolar lines, and how far these run (see
    `epipolar_lines`)."""
    cameras = edge_cameras(problem, state, chunk.rows)
    found = reproject_matches(cameras, chunk.matches)
    across, along, travel = epipolar_lines(cameras, found)
    present = chunk.weights > 0
    residual = np.stack([dot(line, found.residual)[present] for line in (across, along)], axis=1)
    return residual, travel[present]
