"""Second-order refinement of poses, camera focals and pair scales from all edges at once.

Minimises, by Levenberg-Marquardt with re-weighted (Cauchy) residuals,

  - reprojections into view j of edge e's points of view j, and of its matches' points of view i
    (re-rayed with the current focal), weighted by log confidence;
  - log s_e + delta - mu_i: all edges agree on the depths of a view they share, up to its mu_i. delta
    is the median log ratio of the edge's depths to the view's consensus, renewed every round;
  - the focals the pairs speak for.

Every term belongs to one edge (or one camera), so the normal equations are sums of small dense
blocks, an edge's scale is eliminated inside its own block (Schur complement), and what is left has
the sparsity of the view graph: cost grows linearly with pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float, Int
from scipy.sparse.linalg import splu

from dust3r_sfm.alignment.camera_groups import FocalEvidence
from dust3r_sfm.alignment.edges import Edges
from dust3r_sfm.alignment.residuals import (
    DEPTH_I,
    DEPTH_J,
    EDGE_PARAMETERS,
    SCALE,
    EdgeCameras,
    backproject,
    reproject,
    reprojection_jacobian,
)
from dust3r_sfm.alignment.scale_ties import ScaleTies, scale_ties
from dust3r_sfm.geometry import rigid, rotation_from_vector

CHUNK = 32
"""Edges linearised together: bounds memory at some tens of MB."""
CAUCHY_WIDTH = 2.0
"""Of the kernel, in standard deviations."""
SMALLEST_SIGMA_PX = 0.02
ROUNDS, ITERATIONS = 4, 15


@dataclass(frozen=True)
class Problem:
    """One connected component. `pixels` are the samples of each view; `log_view_scale` turns a log
    focal in original pixels into one in view pixels; `group` numbers cameras from 0 without gaps."""

    edges: Edges
    pixels: Float[np.ndarray, "n samples 2"]
    centres: Float[np.ndarray, "n 2"]
    log_view_scale: Float[np.ndarray, " n"]
    group: Int[np.ndarray, " n"]
    evidence: FocalEvidence

    @property
    def num_views(self) -> int:
        return len(self.centres)


@dataclass(frozen=True)
class State:
    """What is solved for. `log_focal` (original pixels) one a group, `log_depth` (mu) one a view."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_focal: Float[np.ndarray, " groups"]
    log_scale: Float[np.ndarray, " e"]
    log_depth: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Noise:
    """Standard deviations (px) of sampled points and of matches, and the mean weight of each."""

    points_px: float
    matches_px: float
    points_weight: float
    matches_weight: float


@dataclass(frozen=True)
class Refined:
    """`residual_px`: the median reprojection error of each edge; gauge: view 0 is the identity."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_focal: Float[np.ndarray, " groups"]
    log_scale: Float[np.ndarray, " e"]
    residual_px: Float[np.ndarray, " e"]


def edge_cameras(problem: Problem, state: State, rows: slice) -> EdgeCameras:
    tail, head = problem.edges.tail[rows], problem.edges.head[rows]
    pose_i, pose_j = state.cam_from_world[tail], state.cam_from_world[head]
    rotation = pose_j[:, :3, :3] @ np.swapaxes(pose_i[:, :3, :3], -1, -2)
    translation = pose_j[:, :3, 3] - (rotation @ pose_i[:, :3, 3:])[..., 0]
    focal = np.exp(state.log_focal[problem.group] + problem.log_view_scale)
    return EdgeCameras(
        rotation,
        translation,
        focal[tail],
        focal[head],
        problem.centres[tail],
        problem.centres[head],
        np.exp(state.log_scale[rows]),
    )


@dataclass(frozen=True)
class Term:
    """Points of some edges, where view j saw them, and their weights relative to sigma."""

    points: Float[np.ndarray, "c m 3"]
    observed: Float[np.ndarray, "c m 2"]
    weights: Float[np.ndarray, "c m"]
    sigma_px: float
    rays_follow_focal: bool


def _terms(problem: Problem, cameras: EdgeCameras, noise: Noise, rows: slice) -> Iterator[Term]:
    edges = problem.edges
    points = cameras.scale[:, None, None] * edges.points_j[rows].astype(np.float64)
    weights = edges.weights_j[rows] / noise.points_weight
    yield Term(points, problem.pixels[edges.head[rows]], weights, noise.points_px, False)
    if edges.match_weights.shape[1]:
        points = backproject(cameras, edges.match_pixels_i[rows], edges.match_depth_i[rows])
        weights = edges.match_weights[rows] / noise.matches_weight
        yield Term(points, edges.match_pixels_j[rows], weights, noise.matches_px, True)


def _chunks(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _cauchy(squared: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """rho of a squared residual in standard deviations; its derivative is 1 / (1 + squared / width^2)."""
    return CAUCHY_WIDTH**2 * np.log1p(squared / CAUCHY_WIDTH**2)


def cost(problem: Problem, state: State, noise: Noise, ties: ScaleTies) -> float:
    """Half the sum of all robust squared residuals."""
    total = _cauchy(_tie_residuals(problem, state, ties) ** 2)[ties.known].sum()
    for rows in _chunks(len(problem.edges)):
        cameras = edge_cameras(problem, state, rows)
        for term in _terms(problem, cameras, noise, rows):
            residual, _ = reproject(cameras, term.points, term.observed)
            total += (term.weights * _cauchy((residual**2).sum(axis=-1) / term.sigma_px**2)).sum()
    offset = np.where(problem.evidence.information > 0, state.log_focal - problem.evidence.log_focal, 0.0)
    return 0.5 * float(total + (problem.evidence.information * offset**2).sum())


def _tie_residuals(problem: Problem, state: State, ties: ScaleTies) -> Float[np.ndarray, "e 2"]:
    """In standard deviations, at the edge's tail and at its head."""
    views = np.stack([problem.edges.tail, problem.edges.head], axis=-1)
    return (state.log_scale[:, None] + ties.offset - state.log_depth[views]) / ties.sigma


def edge_blocks(
    problem: Problem, state: State, noise: Noise, ties: ScaleTies
) -> tuple[Float[np.ndarray, "e 17 17"], Float[np.ndarray, "e 17"]]:
    """Gauss-Newton normal matrix and gradient of each edge's own terms, re-weighted."""
    count = len(problem.edges)
    normal = np.zeros((count, EDGE_PARAMETERS, EDGE_PARAMETERS))
    gradient = np.zeros((count, EDGE_PARAMETERS))
    for rows in _chunks(count):
        cameras = edge_cameras(problem, state, rows)
        for term in _terms(problem, cameras, noise, rows):
            residual, seen = reproject(cameras, term.points, term.observed)
            jacobian = reprojection_jacobian(cameras, term.points, seen, term.rays_follow_focal)
            squared = (residual**2).sum(axis=-1) / term.sigma_px**2
            weights = term.weights / (1.0 + squared / CAUCHY_WIDTH**2) / term.sigma_px**2
            flat = jacobian.reshape(len(jacobian), -1, EDGE_PARAMETERS)
            weighted = np.swapaxes((jacobian * weights[..., None, None]).reshape(flat.shape), -1, -2)
            normal[rows] += weighted @ flat
            gradient[rows] += (weighted @ residual.reshape(len(residual), -1, 1))[..., 0]
    _add_ties(problem, state, ties, normal, gradient)
    return normal, gradient


def _add_ties(
    problem: Problem,
    state: State,
    ties: ScaleTies,
    normal: Float[np.ndarray, "e 17 17"],
    gradient: Float[np.ndarray, "e 17"],
) -> None:
    """Adds the depth agreement terms to the blocks in place."""
    residual = _tie_residuals(problem, state, ties)
    weights = np.where(ties.known, 1.0 / (1.0 + residual**2 / CAUCHY_WIDTH**2) / ties.sigma**2, 0.0)
    pull = weights * residual * ties.sigma
    for end, depth in ((0, DEPTH_I), (1, DEPTH_J)):
        normal[:, SCALE, SCALE] += weights[:, end]
        normal[:, depth, depth] += weights[:, end]
        normal[:, SCALE, depth] -= weights[:, end]
        normal[:, depth, SCALE] -= weights[:, end]
        gradient[:, SCALE] += pull[:, end]
        gradient[:, depth] -= pull[:, end]


def _columns(problem: Problem) -> Int[np.ndarray, "e 16"]:
    """Where an edge's parameters but its scale stand in the whole: poses, then focals, then depths."""
    tail, head = problem.edges.tail, problem.edges.head
    focals = 6 * problem.num_views
    depths = focals + len(problem.evidence.log_focal)
    six = np.arange(6)
    ends = [problem.group[tail] + focals, problem.group[head] + focals, tail + depths, head + depths]
    return np.concatenate([6 * tail[:, None] + six, 6 * head[:, None] + six, np.stack(ends, axis=-1)], axis=1)


def _step(
    problem: Problem,
    state: State,
    normal: Float[np.ndarray, "e 17 17"],
    gradient: Float[np.ndarray, "e 17"],
    damping: float,
) -> State:
    """The state after one damped Gauss-Newton step."""
    columns = _columns(problem)
    num_groups = len(problem.evidence.log_focal)
    size = 7 * problem.num_views + num_groups
    across, own = normal[:, :SCALE, SCALE], normal[:, SCALE, SCALE] * (1.0 + damping) + 1e-12
    reduced = normal[:, :SCALE, :SCALE] - across[:, :, None] * across[:, None] / own[:, None, None]
    right = gradient[:, :SCALE] - across * (gradient[:, SCALE] / own)[:, None]
    width = columns.shape[1]
    rows = np.repeat(columns, width, axis=1).ravel()
    system = sparse.csc_matrix(
        (reduced.ravel(), (rows, np.tile(columns, (1, width)).ravel())), shape=(size, size)
    )
    diagonal = np.bincount(
        columns.ravel(), np.diagonal(normal[:, :SCALE, :SCALE], axis1=1, axis2=2).ravel(), minlength=size
    )
    focals = slice(6 * problem.num_views, 6 * problem.num_views + num_groups)
    prior, side = np.zeros(size), np.bincount(columns.ravel(), right.ravel(), minlength=size)
    prior[focals] = problem.evidence.information
    known = problem.evidence.information > 0
    offset = np.where(known, state.log_focal - problem.evidence.log_focal, 0.0)
    side[focals] += problem.evidence.information * offset
    system = (system + sparse.diags(prior + damping * (diagonal + prior) + 1e-12)).tocsc()
    free = slice(6, size)  # view 0 stays: the gauge
    solved = np.zeros(size)
    factors = splu(system[free, free], permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    solved[free] = -factors.solve(side[free])
    scale = -(gradient[:, SCALE] + (across * solved[columns]).sum(axis=1)) / own
    return _moved(problem, state, solved, scale)


def _moved(
    problem: Problem, state: State, solved: Float[np.ndarray, " p"], scale: Float[np.ndarray, " e"]
) -> State:
    focals = 6 * problem.num_views
    depths = focals + len(state.log_focal)
    twist = solved[:focals].reshape(-1, 6)
    turn = rigid(rotation_from_vector(twist[:, :3]), twist[:, 3:])
    return State(
        turn @ state.cam_from_world,
        state.log_focal + solved[focals:depths],
        state.log_scale + scale,
        state.log_depth + solved[depths:],
    )


def _minimise(problem: Problem, state: State, noise: Noise, ties: ScaleTies, iterations: int) -> State:
    """Levenberg-Marquardt (Marquardt's scaling) until the cost no longer falls."""
    current, damping = cost(problem, state, noise, ties), 1e-4
    for _ in range(iterations):
        normal, gradient = edge_blocks(problem, state, noise, ties)
        while damping < 1e6:
            moved = _step(problem, state, normal, gradient, damping)
            found = cost(problem, moved, noise, ties)
            if np.isfinite(found) and found <= current:
                break
            damping *= 10.0
        else:
            return state
        gained, current, state, damping = current - found, found, moved, max(damping / 10.0, 1e-9)
        if gained <= 1e-7 * current:
            break
    return state


def _errors(problem: Problem, state: State) -> tuple[Float[np.ndarray, "e s"], Float[np.ndarray, "e m"]]:
    """Reprojection error in pixels of every sample and match, NaN where there is none."""
    unit = Noise(1.0, 1.0, 1.0, 1.0)
    parts: list[list[Float[np.ndarray, "c m"]]] = []
    for rows in _chunks(len(problem.edges)):
        cameras = edge_cameras(problem, state, rows)
        parts.append(
            [
                np.where(
                    term.weights > 0,
                    np.linalg.norm(reproject(cameras, term.points, term.observed)[0], axis=-1),
                    np.nan,
                )
                for term in _terms(problem, cameras, unit, rows)
            ]
        )
    points = np.concatenate([part[0] for part in parts])
    matches = [part[1] for part in parts if len(part) > 1]
    return points, np.concatenate(matches) if matches else np.zeros((len(points), 0))


def _noise(problem: Problem, state: State) -> Noise:
    """Robust standard deviations, by the median of the (Rayleigh distributed) error."""
    points, matches = _errors(problem, state)
    sigma = [max(_median(error) / 1.1774, SMALLEST_SIGMA_PX) for error in (points, matches)]
    mean = [_mean_positive(w) for w in (problem.edges.weights_j, problem.edges.match_weights)]
    return Noise(sigma[0], sigma[1], mean[0], mean[1])


def _median(values: Float[np.ndarray, "*shape"]) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def _mean_positive(values: Float[np.ndarray, "*shape"]) -> float:
    return float(values[values > 0].mean()) if (values > 0).any() else 1.0


def refine(problem: Problem, state: State) -> Refined:
    """Rounds of noise estimation, depth consensus and minimisation."""
    for _ in range(ROUNDS):
        ties = scale_ties(problem.edges, state.cam_from_world, state.log_scale)
        state = replace(state, log_depth=np.zeros(problem.num_views))
        before = state
        state = _minimise(problem, state, _noise(problem, state), ties, ITERATIONS)
        if np.abs(state.cam_from_world - before.cam_from_world).max() < 1e-7:
            break
    residual_px = np.nanmedian(_errors(problem, state)[0], axis=1)
    return Refined(state.cam_from_world, state.log_focal, state.log_scale, residual_px)
