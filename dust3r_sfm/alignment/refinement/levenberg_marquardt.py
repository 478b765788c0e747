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

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.refinement.consensus import Consensus, depth_consensus
from dust3r_sfm.alignment.refinement.edge_blocks import DEPTH_I, SCALE, edge_from_relative
from dust3r_sfm.alignment.refinement.noise_model import PointNoise, point_noise
from dust3r_sfm.alignment.refinement.problem import Problem, State, damped_step, edge_cameras, focal_offset
from dust3r_sfm.alignment.refinement.residual_blocks import Noise, ResidualBlocks, build_residual_blocks
from dust3r_sfm.alignment.refinement.residuals import PARAMETERS
from dust3r_sfm.alignment.refinement.weighted_residuals import (
    linearise_blocks,
    match_residuals,
    point_residuals,
)
from dust3r_sfm.geometry.robust import MAD_TO_STD, known_median

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-5, 1e-9, 1e3
"""Marquardt's factor: at first, at its lowest, and where no step lowers the cost any more."""


@dataclass(frozen=True)
class RefinedState:
    """`residual_px`: each edge's median distance of points from their rays, in pixels of view j;
    `start_residual_px` the same at the start. The costs are those of the last round, which froze the
    consensus and the noise: of what it found, and of the start."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_focal: Float[np.ndarray, " groups"]
    log_scale: Float[np.ndarray, " e"]
    residual_px: Float[np.ndarray, " e"]
    start_residual_px: Float[np.ndarray, " e"]
    cost: float
    start_cost: float


def _cauchy(squared: Float[np.ndarray, "*shape"], width: float) -> Float[np.ndarray, "*shape"]:
    """rho of a squared residual in standard deviations; its derivative is `_cauchy_weight`."""
    return width**2 * np.log1p(squared / width**2)


def _cauchy_weight(squared: Float[np.ndarray, "*shape"], width: float) -> Float[np.ndarray, "*shape"]:
    return 1.0 / (1.0 + squared / width**2)


def build_normal_equations(
    problem: Problem, blocks: ResidualBlocks, state: State, seen: Consensus
) -> tuple[float, Float[np.ndarray, "e 17 17"], Float[np.ndarray, "e 17"]]:
    """The cost (half the sum of all robust squared residuals), and of each edge's own terms the
    re-weighted Gauss-Newton matrix and the gradient. The focals' evidence is in the cost only."""
    count, width = len(problem.edges), problem.config.cauchy_width
    relative = np.zeros((count, PARAMETERS + 1, PARAMETERS + 1))
    total = float((problem.evidence.pull * focal_offset(problem, state) ** 2).sum())
    for rows, block in linearise_blocks(problem, blocks, state):
        squared = block.squared
        total += float((block.weights * _cauchy(squared, width)).sum())
        weighted = block.rows * np.sqrt(block.weights * _cauchy_weight(squared, width))[:, None, None]
        relative[rows] += (weighted @ np.swapaxes(weighted, -1, -2)).sum(axis=1)
    turn = edge_from_relative(edge_cameras(problem, state, np.arange(count)))
    back = np.swapaxes(turn, -1, -2)
    normal = back @ relative[:, :PARAMETERS, :PARAMETERS] @ turn
    gradient = (back @ relative[:, :PARAMETERS, PARAMETERS:])[..., 0]
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
    width = problem.config.cauchy_width
    residual = (state.log_scale + seen.offset - state.log_depth[problem.edges.tail]) / seen.sigma
    weights = np.where(seen.known, _cauchy_weight(residual**2, width), 0.0)
    normal[:, SCALE, SCALE] += weights / seen.sigma**2
    normal[:, DEPTH_I, DEPTH_I] += weights / seen.sigma**2
    normal[:, SCALE, DEPTH_I] -= weights / seen.sigma**2
    normal[:, DEPTH_I, SCALE] -= weights / seen.sigma**2
    gradient[:, SCALE] += weights * residual / seen.sigma
    gradient[:, DEPTH_I] -= weights * residual / seen.sigma
    return float(_cauchy(residual**2, width)[seen.known].sum())


def _minimise(problem: Problem, blocks: ResidualBlocks, start: State, seen: Consensus) -> tuple[State, float]:
    """Levenberg-Marquardt until the cost no longer falls; and that cost."""
    state, damping = start, FIRST_DAMPING
    current, normal, gradient = build_normal_equations(problem, blocks, state, seen)
    for _ in range(problem.config.iterations):
        while True:
            moved = damped_step(problem, state, normal, gradient, damping)
            found, new_normal, new_gradient = build_normal_equations(problem, blocks, moved, seen)
            if np.isfinite(found) and found <= current:
                break
            damping *= 10.0
            if damping > MOST_DAMPING:
                return state, current
        gained, current, normal, gradient = current - found, found, new_normal, new_gradient
        state, damping = moved, max(damping / 10.0, LEAST_DAMPING)
        if gained <= problem.config.least_gain * current:
            break
    return state, current


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
    for chunk in problem.points:
        found = point_residuals(problem, state, seen, chunk)
        frames, shared = found.frames, found.shared
        ratio = frames.reach / frames.distance
        parts.append((found.residual.swapaxes(1, 2)[shared], frames.sine[shared], ratio[shared]))
    shown, sine, ratio = (np.concatenate(values) for values in zip(*parts, strict=True))
    return point_noise(shown, sine, ratio, problem.config.least_spread)


def _match_noise(problem: Problem, state: State) -> tuple[float, float]:
    """Pixels, and relative depth: judged where an error of depth shows by more than the pixels' own."""
    if not problem.matches:
        return problem.config.least_spread_px, problem.config.least_spread
    parts = [match_residuals(problem, state, chunk) for chunk in problem.matches]
    residual, travel = (np.concatenate(values) for values in zip(*parts, strict=True))
    own_px = max(_deviation(residual[:, 0]), problem.config.least_spread_px)
    telling = travel > _median(travel)
    relative = residual[:, 1][telling] / travel[telling]
    return own_px, max(_deviation(relative), problem.config.least_spread)


def _deviation(values: Float[np.ndarray, "*shape"]) -> float:
    return MAD_TO_STD * _median(np.abs(values))


def _median(values: Float[np.ndarray, "*shape"]) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def _mean_positive(values: Float[np.ndarray, "*shape"]) -> float:
    return float(values[values > 0].mean()) if (values > 0).any() else 1.0


def _residual_px(problem: Problem, state: State, seen: Consensus) -> Float[np.ndarray, " e"]:
    out = np.zeros(len(problem.edges))
    for chunk in problem.points:
        found = point_residuals(problem, state, seen, chunk)
        ratio = found.frames.reach / found.frames.distance
        across = np.hypot(found.residual[:, 0] * ratio, found.residual[:, 1] * ratio * found.frames.sine)
        out[chunk.rows] = known_median(across) * edge_cameras(problem, state, chunk.rows).focal_j
    return out


def refine(
    problem: Problem, state: State, first: State | None = None, rounds: int | None = None
) -> RefinedState:
    """Rounds of depth consensus, noise estimation and minimisation, until poses stand still. `first` is
    the state that figures of the start are of, if it is not `state`; `rounds`: if not those of the config."""
    first = _reset_depths(problem, first or state)
    first_px = _residual_px(problem, first, _consensus(problem, first))
    for _ in range(problem.config.rounds if rounds is None else rounds):
        start = _reset_depths(problem, state)
        seen = _consensus(problem, start)
        blocks = build_residual_blocks(problem, start, seen, _noise(problem, start, seen))
        state, cost = _minimise(problem, blocks, start, seen)
        if np.abs(state.cam_from_world - start.cam_from_world).max() < problem.config.at_rest:
            break
    first_cost = build_normal_equations(problem, blocks, first, seen)[0]
    last = _reset_depths(problem, state)
    last_px = _residual_px(problem, last, _consensus(problem, last))
    return RefinedState(
        state.cam_from_world, state.log_focal, state.log_scale, last_px, first_px, cost, first_cost
    )


def _reset_depths(problem: Problem, state: State) -> State:
    """The depths of views as the consensus of the state's own scales has them."""
    return replace(state, log_depth=np.zeros(problem.num_views))


def _consensus(problem: Problem, state: State) -> Consensus:
    return depth_consensus(problem.edges, state.cam_from_world, state.log_scale, problem.config)
