"""What the embedded regressor says of one pair: depth from its matches, and from a sweep, as pointmaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.regressors.plane_sweep import DepthEstimate, SweepConfig, sweep_pair
from dust3r_sfm.regressors.stereo.two_view import TwoView
from dust3r_sfm.types import Camera, Pair, PairGeometry, PairPrediction, Rigid, View


@dataclass(frozen=True)
class SparseDepthConfig:
    """What a pair's triangulated matches say of depth: around them, and about where to sweep."""

    confidence: float = 3.0
    """Of a triangulated inlier at the best triangulation angles."""
    full_angle_deg: float = 3.0
    """Triangulation angle from which an inlier's depth is as good as it gets."""
    reach: float = 0.03
    """How far around an inlier its depth is taken over, of the long edge."""
    around_share: float = 0.2
    """Share of an inlier's trust that its depth has right beside it."""
    cell_px: int = 2
    """Pixels a side of the cells that depth is taken over in."""
    percentiles: tuple[float, float] = (1.0, 99.0)
    """Of the inliers' inverse depths: what lies beyond them is taken for mistaken."""
    range_margin: float = 0.25
    """Searched beyond these on either side, of what lies between them: inliers are rarely on the nearest and
    farthest things."""
    near_margin: float = 0.02
    """Searched besides, of the greatest inverse depth: a wall seen head on has inliers of one depth only."""
    min_inverse_share: float = 0.02
    """Of the greatest inverse depth: the least that is searched. What is fifty times as far as the nearest
    inliers has no parallax to speak of."""


def pair_predictions(
    pair: Pair,
    views: Sequence[View],
    cameras: Sequence[Camera],
    geometry: TwoView,
    sparse: SparseDepthConfig,
    sweep: SweepConfig | None,
    device: str,
) -> tuple[PairPrediction, PairPrediction]:
    """Of the pair and of its reverse, in the unit of the baseline. `sweep` None: of its matches alone."""
    camera_i, camera_j = cameras[pair.i], cameras[pair.j]
    if not _has_depth(geometry):
        return _matches_alone(pair, camera_i, camera_j, geometry)
    found_i = _sparse_depth(geometry, geometry.matches.pixels_i, geometry.depth_i, camera_i, sparse)
    found_j = _sparse_depth(geometry, geometry.matches.pixels_j, geometry.depth_j, camera_j, sparse)
    j_from_i = geometry.j_from_i
    assert j_from_i is not None, "depth comes of two places"
    if sweep is not None:
        dense_i, dense_j = sweep_pair(
            views[pair.i].image,
            views[pair.j].image,
            camera_i,
            camera_j,
            j_from_i,
            _inverse_range(geometry.depth_i, sparse),
            _inverse_range(geometry.depth_j, sparse),
            sweep,
            torch.device(device),
        )
        found_i, found_j = _merge(dense_i, found_i), _merge(dense_j, found_j)
    return _predict_directions(pair, found_i, found_j, camera_i, camera_j, j_from_i, geometry)


def _predict_directions(
    pair: Pair,
    found_i: DepthEstimate,
    found_j: DepthEstimate,
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Rigid,
    geometry: TwoView,
) -> tuple[PairPrediction, PairPrediction]:
    local_i, local_j = _local_points(found_i, camera_i), _local_points(found_j, camera_j)
    in_i, in_j = _move(local_j, invert_rigid(j_from_i)), _move(local_i, j_from_i)
    matches, kind = geometry.matches, geometry.geometry
    trust_i, trust_j = found_i.confidence, found_j.confidence
    forward = PairPrediction(pair, _pointmap(local_i), _pointmap(in_i), trust_i, trust_j, matches, kind)
    backward = PairPrediction(
        pair.swap(), _pointmap(local_j), _pointmap(in_j), trust_j, trust_i, matches.swap(), kind
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
    backward = PairPrediction(pair.swap(), points_j, points_i, trust_j, trust_i, matches.swap(), kind)
    return forward, backward


def _inverse_range(depth: Float[np.ndarray, " n"], config: SparseDepthConfig) -> tuple[float, float]:
    """Least and greatest inverse depth to search: what the inliers span, and some more."""
    least, most = np.nanpercentile(1.0 / depth, config.percentiles)
    margin = config.range_margin * (most - least) + config.near_margin * most
    return float(max(least - margin, config.min_inverse_share * most)), float(most + margin)


def _sparse_depth(
    geometry: TwoView,
    pixels: Float[np.ndarray, "n 2"],
    depth: Float[np.ndarray, " n"],
    camera: Camera,
    config: SparseDepthConfig,
) -> DepthEstimate:
    """Depth of triangulated inliers, and with quickly falling confidence at the pixels around them:
    crude, but on the right rays, and enough to tie this pair's scale to other pairs'."""
    shape = camera.height, camera.width
    known = np.isfinite(depth)
    best = (config.confidence - 1.0) * min(geometry.angle_deg / config.full_angle_deg, 1.0)
    column, row = np.minimum(pixels[known].astype(np.int64), [camera.width - 1, camera.height - 1]).T
    near_depth, nearness = _around(row, column, depth[known].astype(np.float32), shape, config)
    trust = 1.0 + best * config.around_share * nearness
    found = _enlarge(near_depth, shape, config.cell_px), _enlarge(trust, shape, config.cell_px)
    found[0][row, column], found[1][row, column] = depth[known], 1.0 + best
    return DepthEstimate(*found)


def _around(
    row: Int[np.ndarray, " n"],
    column: Int[np.ndarray, " n"],
    depth: Float[np.ndarray, " n"],
    shape: tuple[int, int],
    config: SparseDepthConfig,
) -> tuple[Float[np.ndarray, "ch cw"], Float[np.ndarray, "ch cw"]]:
    """Depth of the nearest inlier within reach of each cell of pixels, 0 where there is none, and how near
    it is, from 1 to 0. By cells, as it takes several times less time, and there is nothing fine in it."""
    cell = config.cell_px
    seeds = np.zeros((-(-shape[0] // cell), -(-shape[1] // cell)), np.float32)
    seeds[row // cell, column // cell] = depth
    distance, (near_row, near_column) = distance_transform_edt(seeds == 0, return_indices=True)
    nearness = np.maximum(1.0 - distance.astype(np.float32) * (cell / (config.reach * max(shape))), 0.0)
    return np.where(nearness > 0, seeds[near_row, near_column], np.float32(0.0)), nearness


def _enlarge(
    cells: Float[np.ndarray, "ch cw"], shape: tuple[int, int], cell_px: int
) -> Float[np.ndarray, "h w"]:
    whole = cells.astype(np.float32).repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    return whole[: shape[0], : shape[1]].copy()


def _merge(dense: DepthEstimate, sparse: DepthEstimate) -> DepthEstimate:
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


def _move(points: Float[np.ndarray, "3 h w"], b_from_a: Rigid) -> Float[np.ndarray, "3 h w"]:
    turn, shift = b_from_a[:3, :3].astype(np.float32), b_from_a[:3, 3:].astype(np.float32)
    return (turn @ points.reshape(3, -1) + shift).reshape(points.shape)


def _pointmap(points: Float[np.ndarray, "3 h w"]) -> Float[np.ndarray, "h w 3"]:
    """Held by coordinate, which whole images are worked on several times faster in."""
    return np.moveaxis(points, 0, -1)
