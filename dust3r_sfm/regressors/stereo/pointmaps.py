"""What the embedded regressor says of one pair: depth from its matches, and from a sweep, as pointmaps."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.regressors.plane_sweep import DepthEstimate, SweepConfig, sweep_pair
from dust3r_sfm.regressors.stereo.two_view import TwoView
from dust3r_sfm.types import Camera, Pair, PairGeometry, PairPrediction, Rigid, View

SPARSE_CONFIDENCE = 3.0
"""Confidence of a triangulated inlier at the best triangulation angles."""
REACH, AROUND_SHARE = 0.03, 0.2
"""How far around an inlier its depth is taken over (of the long edge), and with what share of trust."""
CELL = 2
"""Pixels a side of the cells that it is taken over in."""
FULL_ANGLE_DEG = 3.0
"""Triangulation angle from which an inlier's depth is as good as it gets."""


def pair_predictions(
    pair: Pair,
    views: Sequence[View],
    cameras: Sequence[Camera],
    geometry: TwoView,
    sweep: SweepConfig | None,
    device: str,
) -> tuple[PairPrediction, PairPrediction]:
    """Of the pair and of its reverse, in the unit of the baseline. `sweep` None: of its matches alone."""
    camera_i, camera_j = cameras[pair.i], cameras[pair.j]
    if not _has_depth(geometry):
        return _matches_alone(pair, camera_i, camera_j, geometry)
    found_i = _sparse_depth(geometry, geometry.matches.pixels_i, geometry.depth_i, camera_i)
    found_j = _sparse_depth(geometry, geometry.matches.pixels_j, geometry.depth_j, camera_j)
    j_from_i = geometry.j_from_i
    assert j_from_i is not None, "depth comes of two places"
    if sweep is not None:
        dense_i, dense_j = sweep_pair(
            views[pair.i].image,
            views[pair.j].image,
            camera_i,
            camera_j,
            j_from_i,
            _inverse_range(geometry.depth_i),
            _inverse_range(geometry.depth_j),
            sweep,
            torch.device(device),
        )
        found_i, found_j = _merged(dense_i, found_i), _merged(dense_j, found_j)
    local_i, local_j = _local_points(found_i, camera_i), _local_points(found_j, camera_j)
    forward = PairPrediction(
        pair,
        _pointmap(local_i),
        _pointmap(_moved(local_j, invert_rigid(j_from_i))),
        found_i.confidence,
        found_j.confidence,
        geometry.matches,
        geometry.geometry,
    )
    backward = PairPrediction(
        pair.swapped(),
        _pointmap(local_j),
        _pointmap(_moved(local_i, j_from_i)),
        found_j.confidence,
        found_i.confidence,
        geometry.matches.swapped(),
        geometry.geometry,
    )
    return forward, backward


def _has_depth(geometry: TwoView) -> bool:
    solid = geometry.geometry in (PairGeometry.GENERAL, PairGeometry.PLANAR)
    return solid and all(np.isfinite(depth).any() for depth in (geometry.depth_i, geometry.depth_j))


def _matches_alone(
    pair: Pair, camera_i: Camera, camera_j: Camera, geometry: TwoView
) -> tuple[PairPrediction, PairPrediction]:
    """Of a pair that tells no depth at all."""
    shape_i, shape_j = (camera_i.height, camera_i.width), (camera_j.height, camera_j.width)
    points_i, points_j = np.zeros((*shape_i, 3), np.float32), np.zeros((*shape_j, 3), np.float32)
    trust_i, trust_j = np.ones(shape_i, np.float32), np.ones(shape_j, np.float32)
    matches, kind = geometry.matches, geometry.geometry
    forward = PairPrediction(pair, points_i, points_j, trust_i, trust_j, matches, kind)
    backward = PairPrediction(pair.swapped(), points_j, points_i, trust_j, trust_i, matches.swapped(), kind)
    return forward, backward


def _inverse_range(depth: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Least and greatest inverse depth to search: what the inliers span, and some more, as they are
    rarely on the nearest and farthest things."""
    least, most = np.nanpercentile(1.0 / depth, [1.0, 99.0])
    margin = 0.25 * (most - least) + 0.02 * most
    return float(max(least - margin, 0.02 * most)), float(most + margin)


def _sparse_depth(
    geometry: TwoView, pixels: Float[np.ndarray, "n 2"], depth: Float[np.ndarray, " n"], camera: Camera
) -> DepthEstimate:
    """Depth of triangulated inliers, and with quickly falling confidence at the pixels around them:
    crude, but on the right rays, and enough to tie this pair's scale to other pairs'."""
    shape = camera.height, camera.width
    known = np.isfinite(depth)
    best = (SPARSE_CONFIDENCE - 1.0) * min(geometry.angle_deg / FULL_ANGLE_DEG, 1.0)
    column, row = np.minimum(pixels[known].astype(np.int64), [camera.width - 1, camera.height - 1]).T
    near_depth, nearness = _around(row, column, depth[known].astype(np.float32), shape)
    found = _enlarged(near_depth, shape), _enlarged(1.0 + best * AROUND_SHARE * nearness, shape)
    found[0][row, column], found[1][row, column] = depth[known], 1.0 + best
    return DepthEstimate(*found)


def _around(
    row: Int[np.ndarray, " n"],
    column: Int[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
    shape: tuple[int, int],
) -> tuple[Float[np.ndarray, "ch cw"], Float[np.ndarray, "ch cw"]]:
    """Depth of the nearest inlier within reach of each cell of pixels, 0 where there is none, and how near
    it is, from 1 to 0. By cells, as it takes several times less time, and there is nothing fine in it."""
    seeds = np.zeros((-(-shape[0] // CELL), -(-shape[1] // CELL)), np.float32)
    seeds[row // CELL, column // CELL] = depth
    distance, (near_row, near_column) = distance_transform_edt(seeds == 0, return_indices=True)
    nearness = np.maximum(1.0 - distance.astype(np.float32) * (CELL / (REACH * max(shape))), 0.0)
    return np.where(nearness > 0, seeds[near_row, near_column], np.float32(0.0)), nearness


def _enlarged(cells: Float[np.ndarray, "ch cw"], shape: tuple[int, int]) -> Float[np.ndarray, "h w"]:
    whole = cells.astype(np.float32).repeat(CELL, axis=0).repeat(CELL, axis=1)
    return whole[: shape[0], : shape[1]].copy()


def _merged(dense: DepthEstimate, sparse: DepthEstimate) -> DepthEstimate:
    """The more confident of both at every pixel."""
    better = sparse.confidence > dense.confidence
    return DepthEstimate(
        np.where(better, sparse.depth, dense.depth), np.where(better, sparse.confidence, dense.confidence)
    )


def _local_points(estimate: DepthEstimate, camera: Camera) -> Float[np.ndarray, "3 h w"]:
    """Points in the frame of a pinhole, whose rays have one x a column and one y a row."""
    x = ((np.arange(camera.width) + 0.5 - camera.cx) / camera.fx).astype(np.float32)
    y = ((np.arange(camera.height) + 0.5 - camera.cy) / camera.fy).astype(np.float32)
    return np.stack([x * estimate.depth, y[:, None] * estimate.depth, estimate.depth])


def _moved(points: Float[np.ndarray, "3 h w"], b_from_a: Rigid) -> Float[np.ndarray, "3 h w"]:
    turn, shift = b_from_a[:3, :3].astype(np.float32), b_from_a[:3, 3:].astype(np.float32)
    return (turn @ points.reshape(3, -1) + shift).reshape(points.shape)


def _pointmap(points: Float[np.ndarray, "3 h w"]) -> Float[np.ndarray, "h w 3"]:
    """Held by coordinate, which whole images are worked on several times faster in."""
    return np.moveaxis(points, 0, -1)
