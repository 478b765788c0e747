"""Second-order refinement of poses, camera focals and pair scales from all edges at once.

Minimises, by Levenberg-Marquardt with re-weighted (Cauchy) residuals,

  - each edge's points of view j against the view's consensus depth along the rays of their pixels,
    across and along the ray by their own standard deviations, weighted by log confidence;
  - reprojections of its matches into view j, re-rayed with the current focal;
  - log s_e + offset - mu_i: its depths of view i against the consensus, whose scale is free (mu_i);
  - the focals the pairs speak for.

The consensus is renewed every round. Every term belongs to one edge (or one camera), so the normal
equations are sums of small dense blocks with the sparsity of the view graph: cost is linear in pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.consensus import Consensus, depth_consensus
from dust3r_sfm.alignment.problem import Problem, State, damped_step, edge_cameras, focal_offset
from dust3r_sfm.alignment.residuals import (
    DEPTH_I,
    EDGE_PARAMETERS,
    SCALE,
    match_residuals,
    point_residuals,
)
from dust3r_sfm.alignment.whitening import (
    EpipolarFrames,
    PointNoise,
    epipolar_frames,
    measuring,
    point_noise,
    whitening,
)

CHUNK = 32
"""Edges linearised together: bounds memory at some tens of MB."""
CAUCHY_WIDTH = 2.0
"""Of the kernel, in standard deviations."""
SMALLEST_SIGMA, SMALLEST_SIGMA_PX = 3e-5, 0.02
ROUNDS, ITERATIONS = 4, 10


@dataclass(frozen=True)
class Noise:
    """Standard deviations of points, of matches (px) and of the depths they come with (relative), and the
    mean weight of points and of matches."""

    points: PointNoise
    matches_px: float
    match_depth: float
    points_weight: float
    matches_weight: float


UNIT_PIXELS = Noise(PointNoise(1.0, 1.0, 1.0), 1.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Refined:
    """`residual_px`: each edge's median distance of points from their rays, in pixels of view j."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_focal: Float[np.ndarray, " groups"]
    log_scale: Float[np.ndarray, " e"]
    residual_px: Float[np.ndarray, " e"]


@dataclass(frozen=True)
class Term:
    """Residuals in standard deviations of some edges' points or matches, with weights (0: none)."""

    residual: Float[np.ndarray, "c m k"]
    jacobian: Float[np.ndarray, "c m k 17"]
    weights: Float[np.ndarray, "c m"]

    @property
    def squared(self) -> Float[np.ndarray, "c m"]:
        return (self.residual**2).sum(axis=-1)


def _chunks(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]


def _point_term(
    problem: Problem, start: State, state: State, seen: Consensus, noise: Noise, rows: slice
) -> Term:
    """`start` is the state of the round's beginning, where the covariances are frozen."""
    depth, known = _consensus_depth(problem, seen, rows)
    frames = _frames(problem, start, depth, rows)
    whiten = whitening(frames, noise.points, seen.shared[problem.edges.head[rows]])
    whiten *= np.exp(start.log_scale[rows])[:, None, None, None]
    residual, jacobian = _points(problem, state, depth, whiten, rows)
    weights = np.where(known, problem.edges.weights_j[rows], 0.0) / noise.points_weight
    return Term(residual, jacobian, weights)


def _consensus_depth(
    problem: Problem, seen: Consensus, rows: slice
) -> tuple[Float[np.ndarray, "c m"], Bool[np.ndarray, "c m"]]:
    """Of the samples of view j of some edges (1 where unknown), and where it is known."""
    log_depth = seen.log_depth[problem.edges.head[rows]]
    known = np.isfinite(log_depth)
    return np.exp(np.where(known, log_depth, 0.0)), known


def _frames(problem: Problem, state: State, depth: Float[np.ndarray, "c m"], rows: slice) -> EpipolarFrames:
    pixels = problem.pixels[problem.edges.head[rows]]
    return epipolar_frames(edge_cameras(problem, state, rows), pixels, depth)


def _points(
    problem: Problem,
    state: State,
    depth: Float[np.ndarray, "c m"],
    rows_of_residual: Float[np.ndarray, "c m 3 3"],
    rows: slice,
) -> tuple[Float[np.ndarray, "c m 3"], Float[np.ndarray, "c m 3 17"]]:
    edges, pixels = problem.edges, problem.pixels[problem.edges.head[rows]]
    points = edges.points_j[rows].astype(np.float64)
    return point_residuals(edge_cameras(problem, state, rows), points, pixels, depth, rows_of_residual)


def _match_term(problem: Problem, start: State, state: State, noise: Noise, rows: slice) -> Term:
    """Across the epipolar line a match errs by its own few tenths of a pixel, along it by what the error
    of the depth it comes with makes there as well. Directions are frozen at `start`."""
    residual, jacobian = _matches(problem, state, rows)
    by_depth = _matches(problem, start, rows)[1][..., SCALE]
    travel = np.linalg.norm(by_depth, axis=-1)
    along = np.where(travel[..., None] > 0, by_depth / np.maximum(travel, 1e-9)[..., None], [1.0, 0.0])
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    along = along / np.hypot(noise.matches_px, noise.match_depth * travel)[..., None]
    whiten = np.stack([across / noise.matches_px, along], axis=-2)
    weights = problem.edges.match_weights[rows] / noise.matches_weight
    return Term((whiten @ residual[..., None])[..., 0], whiten @ jacobian, weights)


def _matches(
    problem: Problem, state: State, rows: slice
) -> tuple[Float[np.ndarray, "c m 2"], Float[np.ndarray, "c m 2 17"]]:
    edges = problem.edges
    cameras = edge_cameras(problem, state, rows)
    return match_residuals(
        cameras, edges.match_pixels_i[rows], edges.match_depth_i[rows], edges.match_pixels_j[rows]
    )


def _terms(
    problem: Problem, start: State, state: State, seen: Consensus, noise: Noise
) -> Iterator[tuple[slice, Term]]:
    for rows in _chunks(len(problem.edges)):
        yield rows, _point_term(problem, start, state, seen, noise, rows)
        if problem.edges.match_weights.shape[1]:
            yield rows, _match_term(problem, start, state, noise, rows)


def _cauchy(squared: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """rho of a squared residual in standard deviations; its derivative is `_reweighted`."""
    return CAUCHY_WIDTH**2 * np.log1p(squared / CAUCHY_WIDTH**2)


def _reweighted(squared: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    return 1.0 / (1.0 + squared / CAUCHY_WIDTH**2)


def linearise(
    problem: Problem, start: State, state: State, seen: Consensus, noise: Noise
) -> tuple[float, Float[np.ndarray, "e 17 17"], Float[np.ndarray, "e 17"]]:
    """The cost (half the sum of all robust squared residuals), and of each edge's own terms the
    re-weighted Gauss-Newton matrix and the gradient. The focals' evidence is in the cost only."""
    count = len(problem.edges)
    normal = np.zeros((count, EDGE_PARAMETERS, EDGE_PARAMETERS))
    gradient = np.zeros((count, EDGE_PARAMETERS))
    total = float((problem.evidence.pull * focal_offset(problem, state) ** 2).sum())
    for rows, term in _terms(problem, start, state, seen, noise):
        total += float((term.weights * _cauchy(term.squared)).sum())
        weights = np.sqrt(term.weights * _reweighted(term.squared))
        flat = (term.jacobian * weights[..., None, None]).reshape(len(weights), -1, EDGE_PARAMETERS)
        turned = np.swapaxes(flat, -1, -2)
        normal[rows] += turned @ flat
        gradient[rows] += (turned @ (term.residual * weights[..., None]).reshape(len(weights), -1, 1))[..., 0]
    total += _add_ties(problem, state, seen, normal, gradient)
    return 0.5 * total, normal, gradient


def _add_ties(
    problem: Problem,
    state: State,
    seen: Consensus,
    normal: Float[np.ndarray, "e 17 17"],
    gradient: Float[np.ndarray, "e 17"],
) -> float:
    """Adds the agreement on the depths of view i to the blocks in place; returns its cost."""
    residual = (state.log_scale + seen.offset - state.log_depth[problem.edges.tail]) / seen.sigma
    weights = np.where(seen.known, _reweighted(residual**2), 0.0)
    normal[:, SCALE, SCALE] += weights / seen.sigma**2
    normal[:, DEPTH_I, DEPTH_I] += weights / seen.sigma**2
    normal[:, SCALE, DEPTH_I] -= weights / seen.sigma**2
    normal[:, DEPTH_I, SCALE] -= weights / seen.sigma**2
    gradient[:, SCALE] += weights * residual / seen.sigma
    gradient[:, DEPTH_I] -= weights * residual / seen.sigma
    return float(_cauchy(residual**2)[seen.known].sum())


def _minimise(problem: Problem, start: State, seen: Consensus, noise: Noise) -> State:
    """Levenberg-Marquardt until the cost no longer falls."""
    state, damping = start, 1e-5
    current, normal, gradient = linearise(problem, start, state, seen, noise)
    for _ in range(ITERATIONS):
        while True:
            moved = damped_step(problem, state, normal, gradient, damping)
            found, new_normal, new_gradient = linearise(problem, start, moved, seen, noise)
            if np.isfinite(found) and found <= current:
                break
            damping *= 10.0
            if damping > 1e3:
                return state
        gained, current, normal, gradient = current - found, found, new_normal, new_gradient
        state, damping = moved, max(damping / 10.0, 1e-9)
        if gained <= 1e-5 * current:
            break
    return state


def _shown(
    problem: Problem, state: State, seen: Consensus, rows: slice
) -> tuple[Float[np.ndarray, "c m 3"], EpipolarFrames]:
    """Residuals of points in the rows of `measuring`, NaN where unknown."""
    depth, known = _consensus_depth(problem, seen, rows)
    frames = _frames(problem, state, depth, rows)
    scale = np.exp(state.log_scale[rows])[:, None, None, None]
    residual, _ = _points(problem, state, depth, measuring(frames) * scale, rows)
    known &= problem.edges.weights_j[rows] > 0
    return np.where(known[..., None], residual, np.nan), frames


def _noise(problem: Problem, state: State, seen: Consensus) -> Noise:
    """Robust standard deviations (a median absolute deviation each) at the present state."""
    matches_px, match_depth = _match_noise(problem, state)
    return Noise(
        _point_noise(problem, state, seen),
        matches_px,
        match_depth,
        _mean_positive(problem.edges.weights_j),
        _mean_positive(problem.edges.match_weights),
    )


def _point_noise(problem: Problem, state: State, seen: Consensus) -> PointNoise:
    parts = []
    for rows in _chunks(len(problem.edges)):
        shown, frames = _shown(problem, state, seen, rows)
        shared = seen.shared[problem.edges.head[rows]]
        shown[~shared] = np.nan
        parts.append((shown.reshape(-1, 3), frames.sine.ravel(), (frames.reach / frames.distance).ravel()))
    shown, sine, ratio = (np.concatenate(values) for values in zip(*parts, strict=True))
    return point_noise(shown, sine, ratio, SMALLEST_SIGMA)


def _match_noise(problem: Problem, state: State) -> tuple[float, float]:
    """Pixels, and relative depth: judged where an error of depth shows by more than the pixels' own."""
    if not problem.edges.match_weights.shape[1]:
        return SMALLEST_SIGMA_PX, SMALLEST_SIGMA
    terms = [_match_term(problem, state, state, UNIT_PIXELS, rows) for rows in _chunks(len(problem.edges))]
    residual = np.concatenate([np.where(t.weights[..., None] > 0, t.residual, np.nan) for t in terms])
    moved = np.concatenate([np.abs(term.jacobian[..., 1, SCALE]) for term in terms])
    own_px = max(_deviation(residual[..., 0]), SMALLEST_SIGMA_PX)
    telling = moved > np.nanmedian(np.where(np.isfinite(residual[..., 1]), moved, np.nan))
    relative = residual[..., 1][telling] / moved[telling]
    return own_px, max(_deviation(relative), SMALLEST_SIGMA)


def _deviation(values: Float[np.ndarray, "*shape"]) -> float:
    return 1.4826 * _median(np.abs(values))


def _median(values: Float[np.ndarray, "*shape"]) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def _mean_positive(values: Float[np.ndarray, "*shape"]) -> float:
    return float(values[values > 0].mean()) if (values > 0).any() else 1.0


def _residual_px(problem: Problem, state: State, seen: Consensus) -> Float[np.ndarray, " e"]:
    out = np.zeros(len(problem.edges))
    for rows in _chunks(len(out)):
        shown, frames = _shown(problem, state, seen, rows)
        shown[..., :2] *= (frames.reach / frames.distance)[..., None]
        shown[..., 1] *= frames.sine
        across = np.linalg.norm(shown[..., :2], axis=-1)
        out[rows] = np.nanmedian(across, axis=1) * edge_cameras(problem, state, rows).focal_j
    return out


def refine(problem: Problem, state: State) -> Refined:
    """Rounds of depth consensus, noise estimation and minimisation, until poses stand still."""
    for _ in range(ROUNDS):
        start = replace(state, log_depth=np.zeros(problem.num_views))
        seen = depth_consensus(problem.edges, start.cam_from_world, start.log_scale)
        state = _minimise(problem, start, seen, _noise(problem, start, seen))
        if np.abs(state.cam_from_world - start.cam_from_world).max() < 1e-5:
            break
    seen = depth_consensus(problem.edges, state.cam_from_world, state.log_scale)
    level = replace(state, log_depth=np.zeros(problem.num_views))
    return Refined(state.cam_from_world, state.log_focal, state.log_scale, _residual_px(problem, level, seen))
