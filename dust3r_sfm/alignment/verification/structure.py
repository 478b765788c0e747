"""Which photos of a scene its points stand against: where a pair's matches say that they are elsewhere.

Epipolar lines do not tell how far a camera has moved along its own direction: along a corridor the lines
of all pairs agree, too, where two halves are joined by doors that look alike, and lie at any distance. But
the points that one half triangulates fall elsewhere in the other one's photos than where these see them.
(Directions alone fix positions only of cameras in parallel rigid graphs: O. Ozyesil and A. Singer, "Robust
camera location estimation by convex programming", CVPR 2015.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.bundle.observed_points import ObservedPoints, observed_points, points_at
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.types import Camera, Correspondences, Pair, Tracks


@dataclass(frozen=True)
class StructureConfig:
    """When the points of a scene say that some of its photos are not where they are put."""

    max_error: float = 0.004
    """Reprojection error of a match that agrees, over the long edge of the view."""
    min_against: int = 20
    """Matches between two groups of photos that speak against them, for that to be heard."""
    min_share: float = 0.6
    """Agreeing matches over all between two groups that may be together."""


@dataclass(frozen=True)
class Votes:
    """For each two views (a symmetric matrix each): matches that a point of the scene confirms, and matches
    that say it lies elsewhere."""

    agreeing: Int[np.ndarray, "n n"]
    against: Int[np.ndarray, "n n"]


def structure_votes(
    tracks: Tracks,
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    correspondences: Mapping[Pair, Correspondences],
    config: StructureConfig,
) -> Votes:
    """Of the pairs of views (numbered as the cameras), each unordered one given once. Matches neither of
    whose ends is an observation of a point have no vote."""
    count = len(cameras)
    agreeing, against = np.zeros((2, count, count), dtype=np.int64)
    observed = [observed_points(tracks, view) for view in range(count)]
    for pair, found in correspondences.items():
        there = _errors(found, observed[pair.i], tracks.xyz, cameras[pair.j], cam_from_world[pair.j])
        back = _errors(found.swap(), observed[pair.j], tracks.xyz, cameras[pair.i], cam_from_world[pair.i])
        best = np.fmin(there, back)
        for matrix, number in (
            (agreeing, (best < config.max_error).sum()),
            (against, (best >= config.max_error).sum()),
        ):
            matrix[pair.i, pair.j] = matrix[pair.j, pair.i] = number
    return Votes(agreeing, against)


def _errors(
    found: Correspondences,
    observed: ObservedPoints,
    xyz: Float[np.ndarray, "p 3"],
    camera: Camera,
    cam_from_world: Float[np.ndarray, "4 4"],
) -> Float[np.ndarray, " n"]:
    """How far from where j sees it the point lies that i observes there, over the long edge; nan where i
    observes none, infinite behind the camera."""
    errors = np.full(len(found), np.nan)
    point = points_at(observed, found.pixels_i)
    hit = point >= 0
    points = transform_points(cam_from_world, xyz[point[hit]])
    in_front = points[:, 2] > 0
    safe = np.where(in_front[:, None], points, [0.0, 0.0, 1.0])
    apart = np.linalg.norm(project(safe, camera) - found.pixels_j[hit], axis=1)
    errors[hit] = np.where(in_front, apart / max(camera.width, camera.height), np.inf)
    return errors


def opposed_views(votes: Votes, config: StructureConfig) -> Bool[np.ndarray, "n n"]:
    """Whether two views are of groups that more of the matches between them speak against than for: views
    are put together by the pairs that agree most, as long as what lies between their groups agrees. O(n^2)
    memory, and time for each merge."""
    agreeing, against = votes.agreeing.copy(), votes.against.copy()
    label = np.arange(len(agreeing))
    tail, head = np.nonzero(np.triu(agreeing))
    order = np.argsort(-agreeing[tail, head], kind="stable")
    edges = np.stack([tail, head], axis=1)[order].tolist()
    merging = True
    while merging:
        merging = False
        for i, j in edges:
            a, b = label[i], label[j]
            if a == b or agreeing[a, b] < config.min_share * (agreeing[a, b] + against[a, b]):
                continue
            for matrix in (agreeing, against):
                matrix[a] += matrix[b]
                matrix[:, a] += matrix[:, b]
            label[label == b] = a
            merging = True
    loud = against >= config.min_against
    opposed = loud & (agreeing < config.min_share * (agreeing + against))
    return opposed[np.ix_(label, label)] & (label[:, None] != label)
