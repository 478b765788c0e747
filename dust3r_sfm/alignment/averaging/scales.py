"""Pair scales from the depths that pairs give the views they share.

All depth maps of one view are brought to one profile, up to a factor each: a hub that its pairs are tied to.
So there are two ties a pair, and once the pairs are eliminated a graph no denser than the views' own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.averaging.robust_graph import robust_differences
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.geometry.robust import MEDIAN_ERROR_OF_MAD, bounded_sum, known_median


@dataclass(frozen=True)
class ScaleConfig:
    """How the depths that pairs give their common views tell the pairs' scales."""

    min_common_samples: int = 8
    """Fewer common depths than this do not tie a pair's scale."""
    profile_rounds: int = 2
    """Times a profile is taken again from all maps that were brought to it."""
    floor: float = 1.0
    """Disagreement, in standard deviations, below which a tie is never taken for an outlier."""
    least_spread: float = 1e-3
    """Standard deviation of a log scale that is always assumed."""


@dataclass(frozen=True)
class Ties:
    """log scale of `edge` minus that of `hub`, as the edge's depths have it, and how sure that is."""

    edge: Int[np.ndarray, " t"]
    hub: Int[np.ndarray, " t"]
    difference: Float[np.ndarray, " t"]
    spread: Float[np.ndarray, " t"]

    @property
    def num_hubs(self) -> int:
        return int(self.hub.max(initial=-1)) + 1


@dataclass(frozen=True)
class LogScales:
    """log scale of every edge (the first has 0), how far its ties disagree, and the objective that they
    have."""

    of_edges: Float[np.ndarray, " e"]
    error: Float[np.ndarray, " e"]
    objective: float


def depth_ties(edges: Edges, config: ScaleConfig) -> Ties:
    """Ties of metric edges to the hubs of their views: one a view, more where its maps share too little."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_i = np.where(edges.weights_i > 0, np.log(edges.depth_i), np.nan)
        log_j = np.where(edges.weights_j > 0, np.log(edges.depth_j), np.nan)
    views = np.concatenate([edges.tail, edges.head])
    rows = np.concatenate([np.arange(len(edges))] * 2)
    logs = np.concatenate([log_i, log_j])
    order = np.argsort(views, kind="stable")
    cuts = np.flatnonzero(np.diff(views[order])) + 1
    hubs, parts = 0, []
    for ends in np.split(order, cuts):
        hub, difference, spread = _tie_maps(logs[ends], config)
        tied = hub >= 0
        parts.append((rows[ends][tied], hub[tied] + hubs, difference[tied], spread[tied]))
        hubs += int(hub.max(initial=-1)) + 1
    return Ties(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _tie_maps(
    logs: Float[np.ndarray, "k s"], config: ScaleConfig
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The hub of each map of one view, by how much the hub's profile exceeds it, and the spread of that. A
    map that knows next to nothing has hub -1."""
    known = np.isfinite(logs).sum(axis=1)
    hub, difference, spread = np.full(len(logs), -1), np.zeros(len(logs)), np.ones(len(logs))
    waiting = known >= config.min_common_samples
    while waiting.any():
        first = int(np.argmax(np.where(waiting, known, -1)))
        members = _join_maps(logs, waiting, first, difference, config.min_common_samples)
        for _ in range(config.profile_rounds):
            profile = known_median((logs[members] + difference[members, None]).T)
            difference[members] = known_median(profile - logs[members])
        apart = np.abs(profile - logs[members] - difference[members, None])
        spread[members] = MEDIAN_ERROR_OF_MAD * known_median(apart) / np.sqrt(known[members])
        hub[members] = hub.max() + 1
        waiting[members] = False
    return hub, difference, spread


def _join_maps(
    logs: Float[np.ndarray, "k s"],
    waiting: Bool[np.ndarray, " k"],
    first: int,
    difference: Float[np.ndarray, " k"],
    least: int,
) -> Int[np.ndarray, " m"]:
    """The maps that share enough with the first one, or with those that do; fills their `difference`."""
    members = np.array([first])
    difference[first] = 0.0
    while True:
        profile = known_median((logs[members] + difference[members, None]).T)
        left = np.setdiff1d(np.flatnonzero(waiting), members)
        near = left[np.isfinite(profile - logs[left]).sum(axis=1) >= least]
        if not len(near):
            return np.sort(members)
        difference[near] = known_median(profile - logs[near])
        members = np.concatenate([members, near])


def tie_islands(ties: Ties, num_edges: int) -> Int[np.ndarray, " e"]:
    """A label for each edge: only edges with the same one have comparable scales."""
    size = num_edges + ties.num_hubs
    return label_components(ties.edge, num_edges + ties.hub, size)[:num_edges]


def average_log_scales(ties: Ties, num_edges: int, config: ScaleConfig) -> LogScales:
    if len(ties.edge) == 0:
        return LogScales(np.zeros(num_edges), np.zeros(num_edges), 0.0)
    unit, ones = np.sqrt(ties.spread**2 + config.least_spread**2), np.ones(len(ties.edge))
    hubs, count = num_edges + ties.hub, num_edges + ties.num_hubs
    values, residual = robust_differences(
        hubs, ties.edge, ties.difference[:, None], ones, count, unit, config.floor
    )
    error = np.bincount(ties.edge, residual * unit, num_edges)
    return LogScales(values[:num_edges, 0], error, bounded_sum(residual, ones, config.floor))
