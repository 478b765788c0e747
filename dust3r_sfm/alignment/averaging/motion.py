"""Motion averaging: absolute rotations, pair scales and positions from all edges at once, each a robust
problem on a graph. This is the start for refinement: close enough to be in its basin, blind to wrong edges.

Positions: with rotations and scales known the problem is linear.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.averaging.robust_graph import robust_differences
from dust3r_sfm.alignment.averaging.rotation_blocks import RotationBlockConfig
from dust3r_sfm.alignment.averaging.rotations import RotationConfig, average_rotations
from dust3r_sfm.alignment.averaging.scales import ScaleConfig, Ties, average_log_scales
from dust3r_sfm.alignment.averaging.tolerance import ToleranceConfig
from dust3r_sfm.alignment.averaging.triplets import TripletConfig
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import invert_rigid, rigid
from dust3r_sfm.geometry.robust import bounded_sum, known_median


@dataclass(frozen=True)
class PositionConfig:
    """How positions are averaged."""

    floor: float = 0.02
    """Disagreement, relative to the edge's size, below which an edge is never taken for an outlier."""
    depth_share: float = 0.05
    """An edge's size is its baseline, plus this share of its depth, as short ones are so unsure."""
    wrong_weight: float = 1e-6
    """Weight, next to 1, of edges whose rotation is known to be wrong."""


@dataclass(frozen=True)
class AveragingConfig:
    """How relative poses become absolute ones."""

    triplets: TripletConfig = field(default_factory=TripletConfig)
    """Which edges are believed from the start."""
    rotations: RotationConfig = field(default_factory=RotationConfig)
    """How rotations are averaged."""
    blocks: RotationBlockConfig = field(default_factory=RotationBlockConfig)
    """How blocks of views that start wrong are turned right."""
    scales: ScaleConfig = field(default_factory=ScaleConfig)
    """How pairs' scales are told by depths they share."""
    positions: PositionConfig = field(default_factory=PositionConfig)
    """How camera centres are averaged."""
    tolerance: ToleranceConfig = field(default_factory=ToleranceConfig)
    """Which edges the average contradicts."""
    max_passes: int = 8
    """Times a component is averaged again without what was found wrong, before it is taken as it is."""


@dataclass(frozen=True)
class AveragedMotions:
    """cam_from_world of every view and log scale of every edge, in one gauge, with the edges'
    disagreement: rotation in degrees, position relative to the edge's size, log scale. Of edges that are
    `undecided` nothing tells whether they are right (see `rotation_blocks.py`). The objectives are
    `bounded_sum`s."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    log_scale: Float[np.ndarray, " e"]
    rotation_error_deg: Float[np.ndarray, " e"]
    undecided: Bool[np.ndarray, " e"]
    position_error: Float[np.ndarray, " e"]
    scale_error: Float[np.ndarray, " e"]
    rotation_objective: float
    scale_objective: float
    position_objective: float


def average_positions(
    edges: Edges,
    rotations: Float[np.ndarray, "n 3 3"],
    log_scale: Float[np.ndarray, " e"],
    weights: Float[np.ndarray, " e"],
    num_views: int,
    config: PositionConfig,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " e"]]:
    """Camera centres, view 0 at the origin, from c_j - c_i = s_e R_i^T c_e by `weights`; and the error
    relative to each edge's size."""
    in_i = invert_rigid(edges.j_from_i)[:, :3, 3] * np.exp(log_scale)[:, None]
    steps = (np.swapaxes(rotations[edges.tail], -1, -2) @ in_i[..., None])[..., 0]
    known = np.where(edges.weights_i > 0, edges.depth_i, np.nan)
    unit = np.linalg.norm(steps, axis=1) + config.depth_share * np.exp(log_scale) * known_median(known)
    return robust_differences(edges.tail, edges.head, steps, weights, num_views, unit, config.floor)


def average_motions(
    edges: Edges, ties: Ties, support: Float[np.ndarray, " e"], num_views: int, config: AveragingConfig
) -> AveragedMotions:
    """One component whose views are numbered 0 ... num_views - 1, connected by its metric edges; the
    others count for rotations only, and have scale 1 and no error of scale or position. `ties` are those
    of the metric edges, numbered among themselves.

    Gauge: view 0 is the identity; scale such that edges have a median depth of 1.
    """
    rotations = average_rotations(
        edges, support, num_views, config.rotations, config.blocks, config.tolerance
    )
    turned = rotations.undecided | (
        rotations.error_deg > config.tolerance.rotation_bound_deg(rotations.error_deg)
    )
    metric = edges.select(edges.metric)
    log_scale, position_error, scale_error = np.zeros((3, len(edges)))
    averaged = average_log_scales(ties, len(metric), config.scales)
    depth = known_median(np.where(metric.weights_i > 0, metric.depth_i, np.nan))
    scales = averaged.of_edges - np.median(averaged.of_edges + np.log(depth))
    heard = np.where(turned[edges.metric], config.positions.wrong_weight, 1.0)
    centres, position_error[edges.metric] = average_positions(
        metric, rotations.of_views, scales, heard, num_views, config.positions
    )
    log_scale[edges.metric], scale_error[edges.metric] = scales, averaged.error
    translation = -(rotations.of_views @ centres[..., None])[..., 0]
    return AveragedMotions(
        rigid(rotations.of_views, translation),
        log_scale,
        rotations.error_deg,
        rotations.undecided,
        position_error,
        scale_error,
        rotations.objective,
        averaged.objective,
        bounded_sum(position_error[edges.metric], heard, config.positions.floor),
    )
