"""What stays as it is through a round of refinement: where residuals are taken, and how they are weighted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.refinement.consensus import Consensus
from dust3r_sfm.alignment.refinement.noise_model import (
    PointNoise,
    Rows,
    epipolar_frames,
    sqrt_information_rows,
)
from dust3r_sfm.alignment.refinement.problem import Problem, State, edge_cameras
from dust3r_sfm.alignment.refinement.residuals import (
    EdgeCameras,
    Reprojections,
    derivative_by_log_scale,
    dot,
    reproject_matches,
)
from dust3r_sfm.alignment.refinement.samples import MatchChunk, PointChunk

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
class PointBlock:
    """Of a chunk's points what stays while states are tried. `depth`: of the consensus that they are compared
    with. `directions`: rows of the square root of the information matrix, times the edge's scale at the
    start."""

    chunk: PointChunk
    depth: Float[np.ndarray, "c m"]
    directions: Rows
    weights: Float[np.ndarray, "c m"]


@dataclass(frozen=True)
class MatchBlock:
    """The same of matches, whose directions are in view j: across the epipolar lines and along them."""

    chunk: MatchChunk
    directions: tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c 2 m"]]
    weights: Float[np.ndarray, "c m"]


@dataclass(frozen=True)
class ResidualBlocks:
    """Of all chunks: some 90 bytes a point and 40 a match."""

    points: tuple[PointBlock, ...]
    matches: tuple[MatchBlock, ...]


def build_residual_blocks(problem: Problem, start: State, seen: Consensus, noise: Noise) -> ResidualBlocks:
    """At `start`, the state of a round's beginning."""
    return ResidualBlocks(
        tuple(_build_point_block(problem, start, seen, noise, chunk) for chunk in problem.points),
        tuple(_build_match_block(problem, start, noise, chunk) for chunk in problem.matches),
    )


def _build_point_block(
    problem: Problem, start: State, seen: Consensus, noise: Noise, chunk: PointChunk
) -> PointBlock:
    rows, samples = chunk.rows, cells_of(problem, chunk)
    depth, known = consensus_depth(seen, samples)
    frames = epipolar_frames(edge_cameras(problem, start, rows), chunk.pixels, depth)
    scale = np.exp(start.log_scale[rows])[:, None, None]
    across, beside, along = sqrt_information_rows(frames, noise.points, seen.shared[samples])
    weights = np.where(known, chunk.weights, 0.0) / noise.points_weight
    return PointBlock(chunk, depth, (across * scale, beside * scale, along * scale), weights)


def _build_match_block(problem: Problem, start: State, noise: Noise, chunk: MatchChunk) -> MatchBlock:
    """Across the epipolar line a match errs by its own few tenths of a pixel, along it by what the error
    of the depth it comes with makes there as well."""
    cameras = edge_cameras(problem, start, chunk.rows)
    across, along, travel = epipolar_lines(cameras, reproject_matches(cameras, chunk.matches))
    along /= np.hypot(noise.matches_px, noise.match_depth * travel)[:, None]
    return MatchBlock(chunk, (across / noise.matches_px, along), chunk.weights / noise.matches_weight)


def cells_of(problem: Problem, chunk: PointChunk) -> Cells:
    return problem.edges.head[chunk.rows][:, None], chunk.columns


def consensus_depth(
    seen: Consensus, samples: Cells
) -> tuple[Float[np.ndarray, "c m"], Bool[np.ndarray, "c m"]]:
    """Of samples of views (1 where unknown), and where it is known."""
    log_depth = seen.log_depth[samples]
    known = np.isfinite(log_depth)
    return np.exp(np.where(known, log_depth, 0.0)), known


def epipolar_lines(
    cameras: EdgeCameras, found: Reprojections
) -> tuple[Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c 2 m"], Float[np.ndarray, "c m"]]:
    """Directions across and along each match's epipolar line in view j (any where it is a point), and by how
    many pixels it runs there for a relative change of its depth."""
    moved = derivative_by_log_scale(cameras, found)
    travel = np.sqrt(dot(moved, moved))
    runs = travel > 0
    along = np.where(runs[:, None], moved / np.where(runs, travel, 1.0)[:, None], [[[1.0], [0.0]]])
    return np.stack([-along[:, 1], along[:, 0]], axis=1), along, travel
