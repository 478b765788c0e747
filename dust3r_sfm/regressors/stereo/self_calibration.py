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

FOCAL_GRID = np.geomspace(0.3, 5.0, 200)
"""Searched focals over the longer image side: from 118 to 11 degrees of view."""
BOUND = 0.03
"""Inequality of the singular values at which a pair counts half as contradicting the focals."""
ORDINARY_FOCAL, ORDINARY_SPREAD = 1.1, 0.35
"""Most photos' focals over the longer image side: middle, and spread of the logarithm."""
CHOICE_PAIRS, FINAL_PAIRS = 0.5, 0.02
"""Pairs that the preference for an ordinary lens (or the one in EXIF) counts for: when one of several
valleys is chosen, and when the focal is sought in it."""
VALLEY = 0.1
"""How far from the choice, in log focal, the least cost is sought in the end."""
SWEEPS = 3


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


def self_calibrated_focals(
    pairs: Sequence[FundamentalPair], priors: Sequence[FocalPrior | None]
) -> Float[np.ndarray, " cameras"]:
    """Each camera's focal over the long edge of its images."""
    everything = _common_cost(pairs)
    focals = np.full(len(priors), _lowest(everything, None))
    for camera, prior in enumerate(priors):
        if prior is not None:
            focals[camera] = prior.relative_focal
    for _ in range(SWEEPS):
        for camera, prior in enumerate(priors):
            if prior is not None and prior.spread == 0.0:
                continue
            focals[camera] = _lowest(_camera_cost(camera, pairs, focals), prior)
    return focals


def _lowest(cost: Float[np.ndarray, " grid"], prior: FocalPrior | None) -> float:
    """The searched focal of least cost, refined by the parabola through its neighbours."""
    middle, spread = (prior.relative_focal, prior.spread) if prior else (ORDINARY_FOCAL, ORDINARY_SPREAD)
    unusual = (np.log(FOCAL_GRID / middle) / spread) ** 2
    choice = np.argmin(cost + CHOICE_PAIRS * unusual)
    total = cost + FINAL_PAIRS * unusual
    near = np.abs(np.log(FOCAL_GRID / FOCAL_GRID[choice])) <= VALLEY
    best = int(np.clip(np.argmin(np.where(near, total, np.inf)), 1, len(FOCAL_GRID) - 2))
    left, centre, right = total[best - 1 : best + 2]
    curvature = left - 2 * centre + right
    step = 0.5 * (left - right) / curvature if curvature > 0 else 0.0
    return float(FOCAL_GRID[best] * (FOCAL_GRID[1] / FOCAL_GRID[0]) ** np.clip(step, -1.0, 1.0))


def _common_cost(pairs: Sequence[FundamentalPair]) -> Float[np.ndarray, " grid"]:
    """Cost of one focal for all cameras, in pairs."""
    costs = [_pair_cost(pair, FOCAL_GRID, FOCAL_GRID) for pair in pairs]
    return _weighted(costs, [pair.weight for pair in pairs])


def _camera_cost(
    camera: int, pairs: Sequence[FundamentalPair], focals: Float[np.ndarray, " cameras"]
) -> Float[np.ndarray, " grid"]:
    """Cost of one camera's focal while the others keep theirs."""
    costs, weights = [], []
    for pair in pairs:
        if camera in (pair.camera_i, pair.camera_j):
            focal_i = (
                FOCAL_GRID if pair.camera_i == camera else np.full_like(FOCAL_GRID, focals[pair.camera_i])
            )
            focal_j = (
                FOCAL_GRID if pair.camera_j == camera else np.full_like(FOCAL_GRID, focals[pair.camera_j])
            )
            costs.append(_pair_cost(pair, focal_i, focal_j))
            weights.append(pair.weight)
    return _weighted(costs, weights)


def _weighted(
    costs: Sequence[Float[np.ndarray, " grid"]], weights: Sequence[float]
) -> Float[np.ndarray, " grid"]:
    if not costs:
        return np.zeros(len(FOCAL_GRID))
    return len(costs) * np.average(costs, axis=0, weights=weights)


def _pair_cost(
    pair: FundamentalPair, focal_i: Float[np.ndarray, " grid"], focal_j: Float[np.ndarray, " grid"]
) -> Float[np.ndarray, " grid"]:
    """Bounded inequality of the singular values of K_j^T F K_i."""
    scale_i = np.stack([focal_i * pair.long_edge_i] * 2 + [np.ones_like(focal_i)], axis=-1)
    scale_j = np.stack([focal_j * pair.long_edge_j] * 2 + [np.ones_like(focal_j)], axis=-1)
    essential = scale_j[:, :, None] * pair.fundamental * scale_i[:, None, :]
    singular = np.linalg.svd(essential, compute_uv=False)
    inequality = 1.0 - singular[:, 1] / singular[:, 0]
    return inequality**2 / (inequality**2 + BOUND**2)
