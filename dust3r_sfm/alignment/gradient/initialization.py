"""Parameters to descend from: the tree's world, with each view's own focal, and known poses where given.

The published code takes a view's focal from whichever pair it has just placed; here it is that of the view.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.alignment.gradient.config import GradientConfig
from dust3r_sfm.alignment.gradient.parameters import FOCAL_STEPS, Parameters, compress_translation
from dust3r_sfm.alignment.gradient.tree import Points, fit_similarity, world_points
from dust3r_sfm.geometry import invert_rigid, pixel_grid, rigid, transform_points
from dust3r_sfm.geometry.procrustes import similarity_of_poses
from dust3r_sfm.geometry.resection import resect
from dust3r_sfm.geometry.view_cameras import view_camera
from dust3r_sfm.types import Pair, PairPrediction, Rigid, View

LEAST_DEPTH = 1e-3
"""Of the median depth: what points behind their camera start from."""


def _split(similarity: Rigid) -> tuple[float, Rigid]:
    """Scale, and the rigid motion [R t; 0 1] of [sR t; 0 1]."""
    scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
    return scale, rigid(similarity[:3, :3] / scale, similarity[:3, 3])


def _world_from_cam(
    view: int,
    views: Sequence[View],
    placed: Sequence[tuple[Pair, Rigid]],
    world: Points,
    focal: float,
    max_error: float,
    seed: int,
) -> Rigid:
    """From a pair of the tree that the view is the first of; else resected from its world points, and if
    that fails where the other view of its pair stands. `max_error`: of an inlier, over the focal."""
    own = [similarity for pair, similarity in placed if pair.i == view]
    if own:
        return _split(own[0])[1]
    height, width = world.shape[:2]
    flat = world.reshape(-1, 3)
    known = np.isfinite(flat).all(axis=1)
    camera = view_camera(views[view], focal)
    pixels = pixel_grid(height, width).reshape(-1, 2)[known]
    found = resect(flat[known], pixels, camera, max_error * focal, seed)
    if found is not None:
        return invert_rigid(found.cam_from_points)
    return _split(next(similarity for pair, similarity in placed if pair.j == view))[1]


def initial_parameters(
    views: Sequence[View],
    predictions: Sequence[PairPrediction],
    focals: Float[np.ndarray, " n"],
    known_poses: Mapping[int, Rigid],
    config: GradientConfig,
    seed: int,
) -> Parameters:
    """`focals` in view pixels; `known_poses` are cam_from_world by view, kept to the last bit of float32."""
    grown, placed = world_points(predictions, len(views))
    poses = np.stack(
        [
            _world_from_cam(k, views, placed, grown[k], float(focals[k]), config.resection_error, seed)
            for k in range(len(views))
        ]
    )
    known = {view: invert_rigid(pose) for view, pose in known_poses.items()}
    similarity = np.eye(4)
    if known:
        similarity = similarity_of_poses(poses[list(known)], np.stack(list(known.values())))
    poses = np.stack([_split(similarity @ pose)[1] for pose in poses])
    for view, pose in known.items():
        poses[view] = pose
    world = [transform_points(similarity, points.reshape(-1, 3)).reshape(points.shape) for points in grown]
    pairs = np.stack([fit_similarity(p.points_i, world[p.pair.i], p.confidence_i) for p in predictions])
    depths = [_depth(invert_rigid(pose), points) for pose, points in zip(poses, world, strict=True)]
    if len(known) >= 2:
        return _pack(poses, depths, focals, pairs, config.device)
    scale = config.base_scale / float(np.exp(np.mean([np.log(_split(pair)[0]) for pair in pairs])))
    centre = next(iter(known.values()))[:3, 3] if known else np.zeros(3)
    shrink = rigid(scale * np.eye(3), centre - scale * centre)
    poses[:, :3, 3] = transform_points(shrink, poses[:, :3, 3])
    return _pack(poses, [scale * depth for depth in depths], focals, shrink @ pairs, config.device)


def _depth(cam_from_world: Rigid, points: Points) -> Float[np.ndarray, " p"]:
    """z in the camera, positive."""
    z = transform_points(cam_from_world, points.reshape(-1, 3))[:, 2]
    known = np.isfinite(z) & (z > 0)
    median = float(np.median(z[known])) if known.any() else 1.0
    return np.where(known, np.maximum(z, LEAST_DEPTH * median), median)


def _pack(
    poses: Float[np.ndarray, "n 4 4"],
    depths: Sequence[Float[np.ndarray, " _p"]],
    focals: Float[np.ndarray, " n"],
    pairs: Float[np.ndarray, "e 4 4"],
    device: str,
) -> Parameters:
    """Translations of pairs are kept without their scale, [s R, s t]."""

    def tensor(values: Float[np.ndarray, "*shape"]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    scales = np.array([_split(pair)[0] for pair in pairs])
    log_depth = np.zeros((len(depths), max(len(depth) for depth in depths)))
    for row, depth in zip(log_depth, depths, strict=True):
        row[: len(depth)] = np.log(depth)
    return Parameters(
        tensor(Rotation.from_matrix(poses[:, :3, :3]).as_quat()),
        compress_translation(tensor(poses[:, :3, 3])),
        tensor(log_depth),
        tensor(FOCAL_STEPS * np.log(focals)),
        tensor(np.zeros((len(poses), 2))),
        tensor(Rotation.from_matrix(pairs[:, :3, :3] / scales[:, None, None]).as_quat()),
        compress_translation(tensor(pairs[:, :3, 3] / scales[:, None])),
        tensor(np.log(scales)),
        tensor(np.zeros((len(pairs), 2))),
    )
