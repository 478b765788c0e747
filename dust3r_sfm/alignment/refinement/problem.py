"""What refinement solves and what it solves for, and how the normal equations of it all are stepped."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.refinement.edge_blocks import SCALE
from dust3r_sfm.alignment.refinement.residuals import EdgeCameras
from dust3r_sfm.alignment.refinement.samples import MatchChunk, PointChunk, match_chunks, point_chunks
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.geometry.sparse_factors import symmetric_factors


@dataclass(frozen=True)
class Problem:
    """One connected component. `pixels` are the samples of each view; `log_view_scale` turns a log
    focal in original pixels into one in view pixels; `group` numbers cameras from 0 without gaps; poses
    that are `pose_given` stay as they are. `most_samples`: points, and matches, of each edge that are solved
    with; all that it knows says what depth its views have. `config`: how it is solved."""

    edges: Edges
    pixels: Float[np.ndarray, "n samples 2"]
    centres: Float[np.ndarray, "n 2"]
    log_view_scale: Float[np.ndarray, " n"]
    group: Int[np.ndarray, " n"]
    evidence: FocalEvidence
    pose_given: Bool[np.ndarray, " n"]
    most_samples: int
    config: RefinementConfig

    @cached_property
    def points(self) -> tuple[PointChunk, ...]:
        return point_chunks(self.edges, self.pixels, self.most_samples, self.config.chunk_samples)

    @cached_property
    def matches(self) -> tuple[MatchChunk, ...]:
        return match_chunks(self.edges, self.most_samples, self.config.chunk_samples)

    @property
    def num_views(self) -> int:
        return len(self.centres)

    @property
    def num_groups(self) -> int:
        return len(self.evidence.log_focal)


@dataclass(frozen=True)
class State:
    """What is solved for. `log_focal` (original pixels) one a group, `log_depth` (mu) one a view."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_focal: Float[np.ndarray, " groups"]
    log_scale: Float[np.ndarray, " e"]
    log_depth: Float[np.ndarray, " n"]


def edge_cameras(problem: Problem, state: State, rows: Int[np.ndarray, " c"]) -> EdgeCameras:
    """The state as the residuals of some edges see it."""
    tail, head = problem.edges.tail[rows], problem.edges.head[rows]
    pose_i, pose_j = state.cam_from_world[tail], state.cam_from_world[head]
    rotation = pose_j[:, :3, :3] @ np.swapaxes(pose_i[:, :3, :3], -1, -2)
    focal = np.exp(state.log_focal[problem.group] + problem.log_view_scale)
    return EdgeCameras(
        rotation,
        pose_j[:, :3, 3] - (rotation @ pose_i[:, :3, 3:])[..., 0],
        focal[tail],
        focal[head],
        problem.centres[tail],
        problem.centres[head],
        np.exp(state.log_scale[rows]),
        np.exp(state.log_depth[head]),
    )


def focal_offset(problem: Problem, state: State) -> Float[np.ndarray, " groups"]:
    """log focals less what the evidence says; 0 where there is none, or nothing else."""
    return np.where(problem.evidence.pull > 0, state.log_focal - problem.evidence.log_focal, 0.0)


def _columns(problem: Problem) -> Int[np.ndarray, "e 16"]:
    """Where an edge's parameters but its scale stand in the whole: poses, then focals, then depths."""
    tail, head = problem.edges.tail, problem.edges.head
    focals = 6 * problem.num_views
    depths = focals + problem.num_groups
    six = np.arange(6)
    ends = [problem.group[tail] + focals, problem.group[head] + focals, tail + depths, head + depths]
    return np.concatenate([6 * tail[:, None] + six, 6 * head[:, None] + six, np.stack(ends, axis=-1)], axis=1)


def damped_step(
    problem: Problem,
    state: State,
    normal: Float[np.ndarray, "e 17 17"],
    gradient: Float[np.ndarray, "e 17"],
    damping: float,
) -> State:
    """The state after one Gauss-Newton step, damped by Marquardt's scaling. Each edge's log scale is
    eliminated in its own block (Schur complement). What is given stays; if no pose is, view 0 does, which
    fixes the gauge but for the world's scale, and that the damping holds."""
    columns = _columns(problem)
    size = 7 * problem.num_views + problem.num_groups
    across, own = normal[:, :SCALE, SCALE], normal[:, SCALE, SCALE] * (1.0 + damping) + 1e-12
    reduced = normal[:, :SCALE, :SCALE] - across[:, :, None] * across[:, None] / own[:, None, None]
    right = gradient[:, :SCALE] - across * (gradient[:, SCALE] / own)[:, None]
    diagonal = np.diagonal(normal[:, :SCALE, :SCALE], axis1=1, axis2=2)
    focals = slice(6 * problem.num_views, 6 * problem.num_views + problem.num_groups)
    total, side = _scatter(columns, diagonal, size), _scatter(columns, right, size)
    prior = np.zeros(size)
    prior[focals] = problem.evidence.pull
    side[focals] += problem.evidence.pull * focal_offset(problem, state)
    system = _matrix(columns, reduced, size) + sparse.diags(prior + damping * (total + prior) + 1e-12)
    solved, free = np.zeros(size), _free(problem)
    solved[free] = -symmetric_factors(system.tocsc()[free][:, free]).solve(side[free])
    scale = -(gradient[:, SCALE] + (across * solved[columns]).sum(axis=1)) / own
    return _apply_step(problem, state, solved, scale)


def _free(problem: Problem) -> Int[np.ndarray, " free"]:
    """Columns that are solved for."""
    held = problem.pose_given.copy()
    held[0] |= not held.any()
    depths = np.zeros(problem.num_views, dtype=bool)
    return np.flatnonzero(~np.concatenate([np.repeat(held, 6), problem.evidence.given, depths]))


def _scatter(
    columns: Int[np.ndarray, "e k"], values: Float[np.ndarray, "e k"], size: int
) -> Float[np.ndarray, " size"]:
    return np.bincount(columns.ravel(), values.ravel(), minlength=size)


def _matrix(
    columns: Int[np.ndarray, "e k"], blocks: Float[np.ndarray, "e k k"], size: int
) -> sparse.csc_matrix:
    width = columns.shape[1]
    rows = np.repeat(columns, width, axis=1).ravel()
    return sparse.csc_matrix(
        (blocks.ravel(), (rows, np.tile(columns, (1, width)).ravel())), shape=(size, size)
    )


def _apply_step(
    problem: Problem, state: State, solved: Float[np.ndarray, " p"], scale: Float[np.ndarray, " e"]
) -> State:
    focals = 6 * problem.num_views
    depths = focals + problem.num_groups
    twist = solved[:focals].reshape(-1, 6)
    turn = rigid(rotation_from_vector(twist[:, :3]), twist[:, 3:])
    return State(
        turn @ state.cam_from_world,
        state.log_focal + solved[focals:depths],
        state.log_scale + scale,
        state.log_depth + solved[depths:],
    )
