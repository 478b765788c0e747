"""Multi-view tracks out of pairwise correspondences, and where their points lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from dust3r_sfm.geometry import invert_rigid, unproject
from dust3r_sfm.types import Camera, Correspondences, Pair

REWEIGHTINGS, FURTHER = 6, 2
"""Rounds of robust triangulation: from nothing, and from about where the points are."""


@dataclass(frozen=True)
class Observations:
    """Which point each view sees where, one row an observation, sorted by point and then by view. A
    point is in a view at most once and in two views at least."""

    point_index: Int[np.ndarray, " o"]
    view_index: Int[np.ndarray, " o"]
    pixels: Float[np.ndarray, "o 2"]

    @property
    def num_points(self) -> int:
        return int(self.point_index[-1]) + 1 if len(self.point_index) else 0


def observations_from_correspondences(correspondences: Mapping[Pair, Correspondences]) -> Observations:
    """Merges matches that share a pixel of a view exactly (in float32), over all pairs. Where two places
    of one view end up in one track, at least one match is wrong: that view's places are left out.
    Some 100 bytes a match."""
    pairs = [(pair, found) for pair, found in sorted(correspondences.items()) if len(found)]
    if not pairs:
        return Observations(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2)))
    ends = np.array([view for pair, _ in pairs for view in (pair.i, pair.j)])
    sides = [pixels for _, found in pairs for pixels in (found.pixels_i, found.pixels_j)]
    place_of_side: list[Int[np.ndarray, " n"]] = [np.zeros(0, np.int64)] * len(sides)
    views, pixels = [], []
    count = 0
    for view in np.unique(ends).tolist():
        mine = np.flatnonzero(ends == view).tolist()
        places, place_of_row = np.unique(
            np.concatenate([_packed(sides[k]) for k in mine]), return_inverse=True
        )
        parts = np.split(place_of_row.ravel() + count, np.cumsum([len(sides[k]) for k in mine])[:-1])
        for side, part in zip(mine, parts, strict=True):
            place_of_side[side] = part
        views.append(np.full(len(places), view))
        pixels.append(_unpacked(places))
        count += len(places)
    joined = np.concatenate(place_of_side[0::2]), np.concatenate(place_of_side[1::2])
    graph = coo_matrix((np.ones(len(joined[0]), np.int8), joined), shape=(count, count))
    track = connected_components(graph, directed=False)[1].astype(np.int64)
    view_of_place = np.concatenate(views)
    return compacted(track, view_of_place, np.concatenate(pixels), _alone(track, view_of_place))


def _packed(pixels: Float[np.ndarray, "n 2"]) -> UInt64[np.ndarray, " n"]:
    """Both coordinates in one number, which sorts as they do (they are not negative)."""
    bits = np.ascontiguousarray(pixels, dtype=np.float32).view(np.uint32).astype(np.uint64)
    return bits[:, 0] << np.uint64(32) | bits[:, 1]


def _unpacked(places: UInt64[np.ndarray, " n"]) -> Float[np.ndarray, "n 2"]:
    bits = np.stack([places >> np.uint64(32), places & np.uint64(0xFFFFFFFF)], axis=1)
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)


def _alone(track: Int[np.ndarray, " o"], view: Int[np.ndarray, " o"]) -> Bool[np.ndarray, " o"]:
    """Places that are the only one of their view in their track."""
    _, inverse, counts = np.unique(
        track * (int(view.max()) + 1) + view, return_inverse=True, return_counts=True
    )
    return counts[inverse.ravel()] == 1


def compacted(
    point: Int[np.ndarray, " o"],
    view: Int[np.ndarray, " o"],
    pixels: Float[np.ndarray, "o 2"],
    keep: Bool[np.ndarray, " o"],
) -> Observations:
    """The kept observations of points that still have two, renumbered and sorted."""
    counts = np.bincount(point[keep], minlength=int(point.max(initial=-1)) + 1)
    rows = np.flatnonzero(keep & (counts[point] >= 2))
    rows = rows[np.lexsort((view[rows], point[rows]))]
    number = np.unique(point[rows], return_inverse=True)[1].ravel()
    return Observations(number, view[rows], pixels[rows])


@dataclass(frozen=True)
class Rays:
    """Where each observation is seen from, in world units, with its camera. `intrinsics` are fx, fy, cx,
    cy and k1."""

    centres: Float[np.ndarray, "o 3"]
    directions: Float[np.ndarray, "o 3"]
    cam_from_world: Float[np.ndarray, "o 4 4"]
    intrinsics: Float[np.ndarray, "o 5"]


def rays(
    observations: Observations, cameras: Sequence[Camera], cam_from_world: Float[np.ndarray, "n 4 4"]
) -> Rays:
    """Unit directions in the world."""
    every = np.array([[c.fx, c.fy, c.cx, c.cy, c.k1] for c in cameras])[observations.view_index]
    local = np.ones((len(observations.pixels), 3))
    by_view = np.argsort(observations.view_index, kind="stable")
    ends = np.searchsorted(observations.view_index[by_view], np.arange(1, len(cameras)))
    for camera, rows in zip(cameras, np.split(by_view, ends), strict=True):
        local[rows] = unproject(observations.pixels[rows], local[rows, 2], camera)
    world_from_cam = invert_rigid(cam_from_world)[observations.view_index]
    directions = (world_from_cam[:, :3, :3] @ local[..., None])[..., 0]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return Rays(
        world_from_cam[:, :3, 3],
        directions,
        cam_from_world[observations.view_index],
        every.astype(np.float64),
    )


def reprojection_errors(
    observations: Observations, seen: Rays, xyz: Float[np.ndarray, "p 3"]
) -> Float[np.ndarray, " o"]:
    """Pixels between each observation and its point; infinite behind the camera."""
    points = xyz[observations.point_index]
    local = (seen.cam_from_world[:, :3, :3] @ points[..., None])[..., 0] + seen.cam_from_world[:, :3, 3]
    front = local[:, 2] > 1e-9
    depth = np.where(front, local[:, 2], 1.0)[:, None]
    normal = local[:, :2] / depth
    normal *= 1.0 + seen.intrinsics[:, 4:] * (normal**2).sum(axis=1, keepdims=True)
    pixels = normal * seen.intrinsics[:, :2] + seen.intrinsics[:, 2:4]
    return np.where(front, np.linalg.norm(pixels - observations.pixels, axis=1), np.inf)


def triangulated(
    observations: Observations,
    seen: Rays,
    scale_px: Float[np.ndarray, " o"],
    start: Float[np.ndarray, "p 3"] | None = None,
) -> Float[np.ndarray, "p 3"]:
    """Each point by least squares on the distance to its rays, reweighted to reprojection errors with a
    Cauchy loss of `scale_px` of each observation, so that one wrong observation of three is outvoted.
    `start`: about where the points are, if that is known."""
    count, index = observations.num_points, observations.point_index
    xyz = _nearest_points(index, seen, np.ones(len(index)), count) if start is None else start
    for _ in range(REWEIGHTINGS - 1 if start is None else FURTHER):
        errors = reprojection_errors(observations, seen, xyz)
        distance = np.linalg.norm(xyz[index] - seen.centres, axis=1)
        robust = 1.0 / (1.0 + np.minimum(errors / scale_px, 1e3) ** 2)
        weights = robust * (seen.intrinsics[:, 0] / np.maximum(distance, 1e-9)) ** 2
        xyz = _nearest_points(index, seen, weights, count)
    return xyz


def _nearest_points(
    point_index: Int[np.ndarray, " o"], seen: Rays, weights: Float[np.ndarray, " o"], count: int
) -> Float[np.ndarray, "p 3"]:
    """Weighted least squares of the distances to lines; where the lines are parallel, near the centres."""
    across = np.eye(3) - seen.directions[:, :, None] * seen.directions[:, None, :]
    across *= weights[:, None, None]
    target = (across @ seen.centres[..., None])[..., 0]
    starts = np.searchsorted(point_index, np.arange(count))
    normal = np.add.reduceat(across, starts, axis=0) if count else np.zeros((0, 3, 3))
    right = np.add.reduceat(target, starts, axis=0) if count else np.zeros((0, 3))
    normal += 1e-12 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    return np.linalg.solve(normal, right[..., None])[..., 0]


def widest_angles_deg(observations: Observations, seen: Rays, count: int) -> Float[np.ndarray, " p"]:
    """For each point about the widest angle between two of its rays: twice the widest from their mean."""
    starts = np.searchsorted(observations.point_index, np.arange(count))
    mean = np.add.reduceat(seen.directions, starts, axis=0)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    cosine = (seen.directions * mean[observations.point_index]).sum(axis=1)
    return 2.0 * np.degrees(np.arccos(np.clip(np.minimum.reduceat(cosine, starts), -1.0, 1.0)))
