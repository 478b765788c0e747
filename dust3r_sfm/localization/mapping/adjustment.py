"""Bundle adjustment of reference sets by pycolmap: of points under given cameras, and of poses."""

import copy

import numpy as np
import pycolmap
from jaxtyping import Float
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry import invert_rigid, rigid, transform_points
from dust3r_sfm.geometry.colmap.options import bundle_options
from dust3r_sfm.geometry.procrustes import move_poses
from dust3r_sfm.io.colmap_model import pose_of_image
from dust3r_sfm.localization.config import AdjustmentConfig


def refine_points(
    model: pycolmap.Reconstruction, fixed: frozenset[int], max_error_px: float, config: AdjustmentConfig
) -> None:
    """Moves points alone, to the least reprojection errors under a Cauchy loss."""
    problem = pycolmap.BundleAdjustmentConfig()
    for image_id in sorted(model.images):
        problem.add_image(image_id)
        problem.set_constant_cam_intrinsics(image_id)
        problem.set_constant_rig_from_world_pose(model.images[image_id].frame_id)
    for point_id in sorted(fixed.intersection(model.points3D)):
        problem.add_constant_point(point_id)
    options = bundle_options(config.loss * max_error_px, config.point_iterations)
    pycolmap.create_default_bundle_adjuster(options, problem, model).solve()


def adjust_model(
    model: pycolmap.Reconstruction, max_error_px: float, config: AdjustmentConfig
) -> pycolmap.Reconstruction | None:
    """A copy with the poses that its tracks agree on, brought to the given ones by a similarity, and its
    points under these. Photos that too little holds together keep their pose. None where the given poses
    fit about as well: then they are as good as the photos can tell."""
    freed = copy.deepcopy(model)
    for point_id in [key for key, point in freed.points3D.items() if point.track.length() < config.min_track]:
        freed.delete_point3D(point_id)
    groups = _groups(freed, config)
    told = sorted(image_id for group in groups for image_id in group)
    if not told:
        return None
    before = _median_error(freed)
    problem = pycolmap.BundleAdjustmentConfig()
    for image_id in told:
        problem.add_image(image_id)
        problem.set_constant_cam_intrinsics(image_id)
    problem.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    options = bundle_options(config.loss * max_error_px, config.pose_iterations)
    summary = pycolmap.create_default_bundle_adjuster(options, problem, freed).solve()
    if not summary.is_solution_usable() or _median_error(freed) > config.worth_it * before:
        return None
    agreed = copy.deepcopy(model)
    for group in groups:
        _take_over(agreed, freed, group)
    refine_points(agreed, frozenset(), max_error_px, config)
    return agreed


def _groups(model: pycolmap.Reconstruction, config: AdjustmentConfig) -> list[list[int]]:
    """Images that hold together by what they see in common; those that see too little, or belong to few,
    are left out: how groups lie to each other is not known from photos."""
    ids = sorted(model.images)
    number = {image_id: row for row, image_id in enumerate(ids)}
    tracks = [{number[e.image_id] for e in point.track.elements} for point in model.points3D.values()]
    rows = [row for track in tracks for row in track]
    columns = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    sees = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(ids), len(tracks)))
    count, label = connected_components((sees @ sees.T) >= config.min_shared, directed=False)
    groups = [[ids[row] for row in np.flatnonzero(label == k).tolist()] for k in range(count)]
    return [group for group in groups if len(group) >= config.min_group]


def _take_over(model: pycolmap.Reconstruction, freed: pycolmap.Reconstruction, group: list[int]) -> None:
    """The poses that `freed` has for a group, brought as near to those of `model` as a similarity can, and
    points along with them."""
    given, free = poses_of_images(model, group), poses_of_images(freed, group)
    similarity = _given_from_free(invert_rigid(given), invert_rigid(free))
    moved, _ = move_poses(free, similarity)
    steps = dict(zip(group, invert_rigid(moved) @ given, strict=True))
    for point_id, point in model.points3D.items():
        seeing = [element.image_id for element in point.track.elements if element.image_id in steps]
        if seeing and point_id in freed.points3D:
            point.xyz = transform_points(similarity, freed.points3D[point_id].xyz[None])[0]
        elif seeing:
            point.xyz = transform_points(steps[seeing[0]], point.xyz[None])[0]
    for image_id, pose in zip(group, moved, strict=True):
        model.frames[model.images[image_id].frame_id].rig_from_world = pycolmap.Rigid3d(pose[:3])


def poses_of_images(model: pycolmap.Reconstruction, image_ids: list[int]) -> Float[np.ndarray, "n 4 4"]:
    return np.stack([pose_of_image(model.images[image_id]) for image_id in image_ids])


def _given_from_free(
    given: Float[np.ndarray, "n 4 4"], free: Float[np.ndarray, "n 4 4"]
) -> Float[np.ndarray, "4 4"]:
    """The similarity between worlds that the same cameras (world_from_cam) stand in: its turn from where
    they look, as centres tell none about a line that they are on; size and shift from the centres."""
    turn = Rotation.from_matrix(given[:, :3, :3] @ np.swapaxes(free[:, :3, :3], -1, -2)).mean().as_matrix()
    turned, there = free[:, :3, 3] @ turn.T, given[:, :3, 3]
    a, b = turned - turned.mean(axis=0), there - there.mean(axis=0)
    scale = float((a * b).sum() / (a**2).sum()) if a.any() else 1.0
    return rigid(scale * turn, there.mean(axis=0) - scale * turned.mean(axis=0))


def _median_error(model: pycolmap.Reconstruction) -> float:
    model.update_point_3d_errors()
    return float(np.median([point.error for point in model.points3D.values()]))
