"""From relative poses to cameras in one world for each connected component of the view graph.

A component is averaged, its wrong edges are dropped, and what is left, which may have fallen apart, is
averaged again, until all edges agree; then refined, where more may turn out wrong (`outlier_rejection.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from dust3r_sfm.alignment.averaging.contradictions import select_contradicted
from dust3r_sfm.alignment.averaging.motion import AveragedMotions, AveragingConfig, average_motions
from dust3r_sfm.alignment.averaging.scales import depth_ties
from dust3r_sfm.alignment.averaging.triplets import triplet_support
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.edges import Edges, stack_edges
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.refinement.levenberg_marquardt import RefinedState
from dust3r_sfm.alignment.refinement.outlier_rejection import (
    NOT_COMPARABLE,
    find_comparable,
    refine_and_reject_outliers,
)
from dust3r_sfm.alignment.refinement.problem import Problem, State
from dust3r_sfm.geometry import invert_rigid, rigid
from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.geometry.procrustes import move_poses, similarity_of_poses
from dust3r_sfm.geometry.robust import known_median
from dust3r_sfm.geometry.view_cameras import principal_point, view_camera, view_scale
from dust3r_sfm.types import AlignmentStage, Pair, Rigid, View

VIEW_PIXELS = "view pixels"


@dataclass(frozen=True)
class _Piece:
    edges: Edges
    passes: int


def _split(edges: Edges, passes: int, num_views: int) -> list[_Piece]:
    """Pieces connected by metric edges, most views first; lone views are in none."""
    tail, head = edges.tail[edges.metric], edges.head[edges.metric]
    labels = label_components(tail, head, num_views)
    sizes = np.bincount(labels)
    together = labels[edges.tail] == labels[edges.head]
    order = [label for label in np.argsort(-sizes, kind="stable") if sizes[label] >= 2]
    return [_Piece(edges.select(together & (labels[edges.tail] == label)), passes) for label in order]


def _members(edges: Edges) -> Int[np.ndarray, " n"]:
    return np.unique(np.concatenate([edges.tail[edges.metric], edges.head[edges.metric]]))


def _renumber_views(edges: Edges, members: Int[np.ndarray, " n"]) -> Edges:
    return replace(
        edges, tail=np.searchsorted(members, edges.tail), head=np.searchsorted(members, edges.head)
    )


def _problem(
    edges: Edges,
    members: Int[np.ndarray, " n"],
    views: Sequence[View],
    init: Initialization,
    config: RefinementConfig,
) -> Problem:
    """The metric edges of one component, with views and cameras numbered from 0."""
    used, group = np.unique(np.array(init.groups)[members], return_inverse=True)
    metric = edges.select(edges.metric)
    samples = _samples_of_each(metric, config)
    return Problem(
        edges=metric.thin(samples),
        pixels=init.pixels[members][:, :samples],
        centres=np.stack([principal_point(views[m]) for m in members]),
        log_view_scale=np.log([view_scale(views[m]) for m in members]),
        group=group,
        evidence=FocalEvidence(init.evidence.log_focal[used], init.evidence.information[used]),
        pose_given=np.isin(np.arange(len(members)), init.known.pose_rows(members.tolist())),
        most_samples=max(config.max_samples // max(len(metric), 1), config.min_samples),
        config=config,
    )


def _samples_of_each(edges: Edges, config: RefinementConfig) -> int:
    known = (edges.weights_j > 0).mean(axis=1)
    budget = config.max_samples / max(float(known.sum()), 1.0)
    least = config.min_samples / max(float(np.percentile(known, 10.0)), 1e-3)
    return int(np.ceil(max(budget, least)))


def _state_from_averaged(
    problem: Problem, averaged: AveragedMotions, metric: Bool[np.ndarray, " e"], given: Mapping[int, Rigid]
) -> State:
    """The averaged world, moved to where the given poses are and with these in it."""
    poses, log_size = averaged.cam_from_world.copy(), 0.0
    if given:
        rows = list(given)
        wanted = invert_rigid(np.stack([given[row] for row in rows]))
        poses, log_size = move_poses(poses, similarity_of_poses(invert_rigid(poses[rows]), wanted))
        poses[rows] = np.stack([given[row] for row in rows])
    log_scale = averaged.log_scale[metric] + log_size
    return State(poses, problem.evidence.log_focal, log_scale, np.zeros(problem.num_views))


def _pair(edges: Edges, edge: int) -> Pair:
    return Pair(int(edges.tail[edge]), int(edges.head[edge]))


def _component_from_refined(
    metric: Edges,
    members: Int[np.ndarray, " n"],
    views: Sequence[View],
    problem: Problem,
    refined: RefinedState,
    given: Mapping[int, Rigid],
    stages: tuple[AlignmentStage, ...],
) -> Component:
    """`metric`: the edges that were refined, with views numbered as they are outside the component."""
    pairs = [_pair(metric, edge) for edge in range(len(metric))]
    focal_px = np.exp(refined.log_focal[problem.group] + problem.log_view_scale)
    depth = known_median(np.where(metric.weights_i > 0, metric.depth_i, np.nan))
    unit = float(np.median(np.exp(refined.log_scale) * depth)) if len(given) < 2 else 1.0
    # The world shrinks about the one camera that is given, or about the first.
    centre = invert_rigid(refined.cam_from_world[min(given, default=0)])[:3, 3]
    poses, _ = move_poses(refined.cam_from_world, rigid(np.eye(3) / unit, centre - centre / unit))
    for row, pose in given.items():
        poses[row] = pose
    cameras = [view_camera(views[m], float(f)) for m, f in zip(members, focal_px, strict=True)]
    return Component(
        members=tuple(int(m) for m in members),
        cameras=tuple(cameras),
        cam_from_world=poses,
        scales=dict(zip(pairs, (np.exp(refined.log_scale) / unit).tolist(), strict=True)),
        residual_px=dict(zip(pairs, refined.residual_px.tolist(), strict=True)),
        stages=stages,
    )


def map_globally(
    init: Initialization, views: Sequence[View], averaging: AveragingConfig, refinement: RefinementConfig
) -> tuple[list[Component], dict[Pair, str]]:
    """Every component of at least two views, most views first, and why edges were dropped."""
    if not init.relative_poses:
        return [], {}
    reasons: dict[Pair, str] = {}
    waiting = _split(stack_edges(init.relative_poses), 0, len(views))
    done: list[Component] = []
    while waiting:
        piece = waiting.pop(0)
        outcome = _attempt(piece, init, views, averaging, refinement)
        reasons.update({_pair(piece.edges, edge): reason for edge, reason in outcome.wrong.items()})
        if outcome.component is not None:
            done.append(outcome.component)
            continue
        keep = np.ones(len(piece.edges), dtype=bool)
        keep[list(outcome.wrong)] = False
        waiting = _split(piece.edges.select(keep), piece.passes + 1, len(views)) + waiting
    return sorted(done, key=lambda found: (-len(found.members), found.members)), reasons


@dataclass(frozen=True)
class _Outcome:
    """A component without its `wrong` edges (and why they are), or, without `component`, what to leave out in
    the next attempt."""

    component: Component | None
    wrong: dict[int, str]


def _attempt(
    piece: _Piece,
    init: Initialization,
    views: Sequence[View],
    averaging: AveragingConfig,
    refinement: RefinementConfig,
) -> _Outcome:
    rows = np.flatnonzero(piece.edges.metric)
    ties = depth_ties(piece.edges.select(rows), averaging.scales)
    apart = rows[~find_comparable(ties, len(rows))]
    if len(apart):
        return _Outcome(None, {int(edge): NOT_COMPARABLE for edge in apart})
    members = _members(piece.edges)
    local = _renumber_views(piece.edges, members)
    support = triplet_support(local, averaging.triplets)
    averaged = average_motions(local, ties, support, len(members), averaging)
    wrong = select_contradicted(local, averaged, averaging.tolerance)
    if wrong and piece.passes < averaging.max_passes:
        return _Outcome(None, wrong)
    problem = _problem(local, members, views, init, refinement)
    poses = init.known.cam_from_world
    given = {row: pose for row, m in enumerate(members) if (pose := poses[m]) is not None}
    state = _state_from_averaged(problem, averaged, local.metric, given)
    left = refine_and_reject_outliers(problem, state, local.select(rows), averaging.scales)
    wrong = {int(rows[edge]): reason for edge, reason in left.wrong.items()}
    if left.broken:
        return _Outcome(None, wrong)
    used = rows[left.rows]
    stages = _stages(averaged, used, left.refined)
    component = _component_from_refined(
        piece.edges.select(used), members, views, problem, left.refined, given, stages
    )
    return _Outcome(component, wrong)


def _stages(
    averaged: AveragedMotions, edges: Int[np.ndarray, " k"], refined: RefinedState
) -> tuple[AlignmentStage, ...]:
    """For the report, of a component of which these edges were refined. Both stages in view pixels have one
    objective, that of refinement, and differ in whose cameras it is taken at."""
    degrees, scales = averaged.rotation_error_deg, averaged.scale_error[edges]
    sizes, before, after = averaged.position_error[edges], refined.start_residual_px, refined.residual_px
    rows = (
        ("rotation averaging", averaged.rotation_objective, degrees, "degrees"),
        ("scale averaging", averaged.scale_objective, scales, "log scale"),
        ("position averaging", averaged.position_objective, sizes, "share of the pair's size"),
        ("averaged cameras", refined.start_cost, before, VIEW_PIXELS),
        ("refinement", refined.cost, after, VIEW_PIXELS),
    )
    return tuple(
        AlignmentStage(name, objective, float(np.median(residual)), unit)
        for name, objective, residual, unit in rows
    )
