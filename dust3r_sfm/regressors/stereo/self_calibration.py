"""Focals from the fundamental matrices of all pairs together.

With the right focals K_j^T F K_i is an essential matrix, whose two nonzero singular values are equal.
One pair says little about its focals and near-degenerate ones mislead; a bounded cost summed over all
pairs says much (the cost of Fetzer et al., WACV 2020, searched rather than descended, as it has
several valleys). Cameras that circle an object and look at its middle tell nothing this way (Sturm
1999), so ordinary lenses are preferred where the pairs are indifferent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class SelfCalibrationConfig:
    """How focals are searched, over the longer image side, and which are preferred."""

    relative_focals: tuple[float, float] = (0.3, 5.0)
    """Least and greatest that is searched: from 118 to 11 degrees of view."""
    grid_focals: int = 200
    """Focals that are tried between those: each is 1.4 % longer than the one before, and a parabola through
    three of them finds the place between."""
    half_inequality: float = 0.03
    """Inequality of the singular values at which a pair counts half as contradicting the focals."""
    ordinary_focal: float = 1.1
    """The middle of most photos' focals."""
    ordinary_spread: float = 0.35
    """Spread of the logarithm of most photos' focals."""
    exif_spread: float = 0.05
    """Relative error of most focals in EXIF."""
    choice_pairs: float = 0.5
    """Pairs that the preference for an ordinary lens (or the one in EXIF) counts for when one of several
    valleys of the cost is chosen."""
    final_pairs: float = 0.02
    """The same when the focal is sought in the chosen valley."""
    valley: float = 0.1
    """How far from the choice, in log focal, the least cost is sought in the end."""
    sweeps: int = 3
    """Times that each camera's focal is searched again while the others keep theirs."""

    @property
    def grid(self) -> Float[np.ndarray, " grid"]:
        """The focals that are tried, in equal steps of the logarithm."""
        return np.geomspace(*self.relative_focals, self.grid_focals)


@dataclass(frozen=True)
class FundamentalPair:
    """F of one pair in CENTRED pixels (principal points subtracted), the cameras of its views, how many
    of their pixels make one long edge, and a weight."""

    camera_i: int
    camera_j: int
    long_edge_i: float
    long_edge_j: float
    fundamental: Float[np.ndarray, "3 3"]
    weight: float


@dataclass(frozen=True)
class FocalPrior:
    """What EXIF says of a camera: its focal over the long edge, and how far to trust it. Spread 0: known."""

    relative_focal: float
    spread: float


def self_calibrate_focals(
    pairs: Sequence[FundamentalPair], priors: Sequence[FocalPrior | None], config: SelfCalibrationConfig
) -> Float[np.ndarray, " cameras"]:
    """Each camera's focal over the long edge of its images."""
    grid, bound = config.grid, config.half_inequality
    everything = _common_cost(pairs, grid, bound)
    focals = np.full(len(priors), _least_cost_focal(everything, grid, None, config))
    for camera, prior in enumerate(priors):
        if prior is not None:
            focals[camera] = prior.relative_focal
    for _ in range(config.sweeps):
        for camera, prior in enumerate(priors):
            if prior is not None and prior.spread == 0.0:
                continue
            cost = _camera_cost(camera, pairs, focals, grid, bound)
            focals[camera] = _least_cost_focal(cost, grid, prior, config)
    return focals


def _least_cost_focal(
    cost: Float[np.ndarray, " grid"],
    grid: Float[np.ndarray, " grid"],
    prior: FocalPrior | None,
    config: SelfCalibrationConfig,
) -> float:
    """The searched focal of least cost, refined by the parabola through its neighbours."""
    middle, spread = config.ordinary_focal, config.ordinary_spread
    if prior is not None:
        middle, spread = prior.relative_focal, prior.spread
    unusual = (np.log(grid / middle) / spread) ** 2
    choice = np.argmin(cost + config.choice_pairs * unusual)
    total = cost + config.final_pairs * unusual
    near = np.abs(np.log(grid / grid[choice])) <= config.valley
    best = int(np.clip(np.argmin(np.where(near, total, np.inf)), 1, len(grid) - 2))
    left, centre, right = total[best - 1 : best + 2]
    curvature = left - 2 * centre + right
    step = 0.5 * (left - right) / curvature if curvature > 0 else 0.0
    return float(grid[best] * (grid[1] / grid[0]) ** np.clip(step, -1.0, 1.0))


def _common_cost(
    pairs: Sequence[FundamentalPair], grid: Float[np.ndarray, " grid"], bound: float
) -> Float[np.ndarray, " grid"]:
    """Cost of one focal for all cameras, in pairs."""
    costs = [_pair_cost(pair, grid, grid, bound) for pair in pairs]
    return _weigh(costs, [pair.weight for pair in pairs], len(grid))


def _camera_cost(
    camera: int,
    pairs: Sequence[FundamentalPair],
    focals: Float[np.ndarray, " cameras"],
    grid: Float[np.ndarray, " grid"],
    bound: float,
) -> Float[np.ndarray, " grid"]:
    """Cost of one camera's focal while the others keep theirs."""
    costs, weights = [], []
    for pair in pairs:
        if camera in (pair.camera_i, pair.camera_j):
            focal_i = grid if pair.camera_i == camera else np.full_like(grid, focals[pair.camera_i])
            focal_j = grid if pair.camera_j == camera else np.full_like(grid, focals[pair.camera_j])
            costs.append(_pair_cost(pair, focal_i, focal_j, bound))
            weights.append(pair.weight)
    return _weigh(costs, weights, len(grid))


def _weigh(
    costs: Sequence[Float[np.ndarray, " grid"]], weights: Sequence[float], size: int
) -> Float[np.ndarray, " grid"]:
    if not costs:
        return np.zeros(size)
    return len(costs) * np.average(costs, axis=0, weights=weights)


def _pair_cost(
    pair: FundamentalPair,
    focal_i: Float[np.ndarray, " grid"],
    focal_j: Float[np.ndarray, " grid"],
    bound: float,
) -> Float[np.ndarray, " grid"]:
    """Bounded inequality of the singular values of K_j^T F K_i."""
    scale_i = np.stack([focal_i * pair.long_edge_i] * 2 + [np.ones_like(focal_i)], axis=-1)
    scale_j = np.stack([focal_j * pair.long_edge_j] * 2 + [np.ones_like(focal_j)], axis=-1)
    essential = scale_j[:, :, None] * pair.fundamental * scale_i[:, None, :]
    singular = np.linalg.svd(essential, compute_uv=False)
    inequality = 1.0 - singular[:, 1] / singular[:, 0]
    return inequality**2 / (inequality**2 + bound**2)
