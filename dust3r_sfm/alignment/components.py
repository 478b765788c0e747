"""From relative poses to one solved world for each connected component of the view graph.

A component is averaged, its wrong edges are dropped, and what is left, which may have fallen apart, is
averaged again, until all edges agree; then refined, where more may turn out wrong (`clearing.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.alignment.averaging.motion import Averaged, average
from dust3r_sfm.alignment.averaging.scales import depth_ties
from dust3r_sfm.alignment.averaging.triplets import disagreeing, triplet_support
from dust3r_sfm.alignment.known_cameras import Known
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.refinement.levenberg_marquardt import Refined
from dust3r_sfm.alignment.refinement.outlier_rejection import NOT_COMPARABLE, comparable, refined_and_cleared
from dust3r_sfm.alignment.refinement.problem import Problem, State
from dust3r_sfm.alignment.stage_reports import solving_stages
from dust3r_sfm.geometry import invert_rigid, rigid
from dust3r_sfm.geometry.procrustes import moved_poses, similarity_of_poses
from dust3r_sfm.geometry.robust import known_median
from dust3r_sfm.geometry.view_cameras import principal_point, view_camera, view_scale
from dust3r_sfm.types import AlignmentStage, Camera, Pair, Rigid, View

MAX_PASSES = 8
"""Times a component is averaged again without what was found wrong, before it is taken as it is."""
SAMPLES, LEAST_SAMPLES = 250_000, 64
"""Known samples that all pairs are refined with together, but not fewer than this a pair, for nine of ten:
cameras have so few parameters that more of them would only take longer. No pair has more than its share, or
few that know all would outvote the many that know little."""


@dataclass(frozen=True)
class Solved:
    """A component in its own world: view 0 of `members` is the identity, the median depth 1; or in that of
    the given poses, and of their size where there are two.

    `members` are indices of all views, ascending; `cameras` (view pixels) and `cam_from_world` run
    parallel. `scales` (world from pair) and `residual_px` are those of its metric pairs. `stages`
    are what it went through.
    """

    members: tuple[int, ...]
    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    scales: dict[Pair, float]
    residual_px: dict[Pair, float]
    stages: tuple[AlignmentStage, ...] = ()


@dataclass(frozen=True)
class _Piece:
    edges: Edges
    passes: int


def _split(edges: Edges, passes: int, num_views: int) -> list[_Piece]:
    """Pieces connected by metric edges, most views first; lone views are in none."""
    tail, head = edges.tail[edges.metric], edges.head[edges.metric]
    graph = sparse.csr_matrix((np.ones(len(tail)), (tail, head)), shape=(num_views, num_views))
    labels = connected_components(graph, directed=False)[1]
    sizes = np.bincount(labels)
    together = labels[edges.tail] == labels[edges.head]
    order = [label for label in np.argsort(-sizes, kind="stable") if sizes[label] >= 2]
    return [_Piece(edges.select(together & (labels[edges.tail] == label)), passes) for label in order]


def _members(edges: Edges) -> Int[np.ndarray, " n"]:
    return np.unique(np.concatenate([edges.tail[edges.metric], edges.head[edges.metric]]))


def _renumbered(edges: Edges, members: Int[np.ndarray, " n"]) -> Edges:
    return replace(
        edges, tail=np.searchsorted(members, edges.tail), head=np.searchsorted(members, edges.head)
    )


def _problem(
    edges: Edges,
    members: Int[np.ndarray, " n"],
    views: Sequence[View],
    pixels: Float[np.ndarray, "all samples 2"],
    groups: Sequence[int],
    evidence: FocalEvidence,
    known: Known,
) -> Problem:
    """The metric edges of one component, with views and cameras numbered from 0."""
    used, group = np.unique(np.array(groups)[members], return_inverse=True)
    metric = edges.select(edges.metric)
    samples = _samples_of_each(metric)
    return Problem(
        edges=metric.thinned(samples),
        pixels=pixels[members][:, :samples],
        centres=np.stack([principal_point(views[m]) for m in members]),
        log_view_scale=np.log([view_scale(views[m]) for m in members]),
        group=group,
        evidence=FocalEvidence(evidence.log_focal[used], evidence.information[used]),
        pose_given=np.isin(np.arange(len(members)), known.pose_rows(members.tolist())),
        most_samples=max(SAMPLES // max(len(metric), 1), LEAST_SAMPLES),
    )


def _samples_of_each(edges: Edges) -> int:
    known = (edges.weights_j > 0).mean(axis=1)
    budget = SAMPLES / max(float(known.sum()), 1.0)
    least = LEAST_SAMPLES / max(float(np.percentile(known, 10.0)), 1e-3)
    return int(np.ceil(max(budget, least)))


def _averaged_state(
    problem: Problem, averaged: Averaged, metric: Bool[np.ndarray, " e"], given: Mapping[int, Rigid]
) -> State:
    """The averaged world, moved to where the given poses are and with these in it."""
    poses, log_size = averaged.cam_from_world.copy(), 0.0
    if given:
        rows = list(given)
        wanted = invert_rigid(np.stack([given[row] for row in rows]))
        poses, log_size = moved_poses(poses, similarity_of_poses(invert_rigid(poses[rows]), wanted))
        poses[rows] = np.stack([given[row] for row in rows])
    log_scale = averaged.log_scale[metric] + log_size
    return State(poses, problem.evidence.log_focal, log_scale, np.zeros(problem.num_views))


def _pair(edges: Edges, edge: int) -> Pair:
    return Pair(int(edges.tail[edge]), int(edges.head[edge]))


def _finished(
    metric: Edges,
    members: Int[np.ndarray, " n"],
    views: Sequence[View],
    problem: Problem,
    refined: Refined,
    given: Mapping[int, Rigid],
    stages: tuple[AlignmentStage, ...],
) -> Solved:
    """`metric`: the edges that were refined, with views numbered as they are outside the component."""
    pairs = [_pair(metric, edge) for edge in range(len(metric))]
    focal_px = np.exp(refined.log_focal[problem.group] + problem.log_view_scale)
    depth = known_median(np.where(metric.weights_i > 0, metric.depth_i, np.nan))
    unit = float(np.median(np.exp(refined.log_scale) * depth)) if len(given) < 2 else 1.0
    # The world shrinks about the one camera that is given, or about the first.
    centre = invert_rigid(refined.cam_from_world[min(given, default=0)])[:3, 3]
    poses, _ = moved_poses(refined.cam_from_world, rigid(np.eye(3) / unit, centre - centre / unit))
    for row, pose in given.items():
        poses[row] = pose
    return Solved(
        tuple(int(m) for m in members),
        tuple(view_camera(views[m], float(f)) for m, f in zip(members, focal_px, strict=True)),
        poses,
        dict(zip(pairs, (np.exp(refined.log_scale) / unit).tolist(), strict=True)),
        dict(zip(pairs, refined.residual_px.tolist(), strict=True)),
        stages,
    )


def solve_components(
    edges: Edges,
    views: Sequence[View],
    pixels: Float[np.ndarray, "all samples 2"],
    groups: Sequence[int],
    evidence: FocalEvidence,
    known: Known,
) -> tuple[list[Solved], dict[Pair, str]]:
    """Every component of at least two views, most views first, and why edges were dropped."""
    reasons: dict[Pair, str] = {}
    waiting = _split(edges, 0, len(views))
    done: list[Solved] = []
    while waiting:
        piece = waiting.pop(0)
        outcome = _attempt(piece, views, pixels, groups, evidence, known)
        reasons.update({_pair(piece.edges, edge): reason for edge, reason in outcome.wrong.items()})
        if outcome.solved is not None:
            done.append(outcome.solved)
            continue
        keep = np.ones(len(piece.edges), dtype=bool)
        keep[list(outcome.wrong)] = False
        waiting = _split(piece.edges.select(keep), piece.passes + 1, len(views)) + waiting
    return sorted(done, key=lambda solved: (-len(solved.members), solved.members)), reasons


@dataclass(frozen=True)
class _Outcome:
    """A component solved without its `wrong` edges (and why they are), or, without `solved`, what to leave
    out in the next attempt."""

    solved: Solved | None
    wrong: dict[int, str]


def _attempt(
    piece: _Piece,
    views: Sequence[View],
    pixels: Float[np.ndarray, "all samples 2"],
    groups: Sequence[int],
    evidence: FocalEvidence,
    known: Known,
) -> _Outcome:
    rows = np.flatnonzero(piece.edges.metric)
    ties = depth_ties(piece.edges.select(rows))
    apart = rows[~comparable(ties, len(rows))]
    if len(apart):
        return _Outcome(None, {int(edge): NOT_COMPARABLE for edge in apart})
    members = _members(piece.edges)
    local = _renumbered(piece.edges, members)
    averaged = average(local, ties, triplet_support(local), len(members))
    wrong = disagreeing(local, averaged)
    if wrong and piece.passes < MAX_PASSES:
        return _Outcome(None, wrong)
    problem = _problem(local, members, views, pixels, groups, evidence, known)
    given = {row: pose for row, m in enumerate(members) if (pose := known.cam_from_world[m]) is not None}
    state = _averaged_state(problem, averaged, local.metric, given)
    cleared = refined_and_cleared(problem, state, local.select(rows))
    wrong = {int(rows[edge]): reason for edge, reason in cleared.wrong.items()}
    if cleared.broken:
        return _Outcome(None, wrong)
    left = rows[cleared.rows]
    stages = solving_stages(averaged, left, cleared.refined)
    solved = _finished(piece.edges.select(left), members, views, problem, cleared.refined, given, stages)
    return _Outcome(solved, wrong)
