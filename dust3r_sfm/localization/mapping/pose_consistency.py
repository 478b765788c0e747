"""The poses that reference photos agree on among themselves, and the way back to the given ones.

Given poses can be off by more than photos can tell, as those of a depth sensor are: a photo that is placed
against several of them at once then lands between worlds that contradict each other. Where the photos agree
much better on other poses, new photos are placed among these, and carried into the given world by the
references around them, whose place is known in both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry import invert_rigid, rigid, transform_points, vector_from_rotation
from dust3r_sfm.localization.config import PoseTransferConfig
from dust3r_sfm.localization.mapping.reference import PosedPhoto
from dust3r_sfm.types import Rigid


@dataclass(frozen=True)
class Agreed:
    """Where the reference photos and what they show are by their own matches: `cam_from_world` of each
    photo, `xyz` of each prepared point (nan where it is not known), in a world as near to the given one as
    one similarity brings it."""

    cam_from_world: Float[np.ndarray, "n 4 4"]
    xyz: Float[np.ndarray, "p 3"]


def transfer_pose(
    cam_from_agreed: Rigid,
    agreed: Agreed,
    photos: Sequence[PosedPhoto],
    depth: float,
    config: PoseTransferConfig,
) -> tuple[Rigid, Float[np.ndarray, "6 6"]]:
    """cam_from_world in the given world: the mean of what each of the nearest references makes of it, by the
    inverse square of its distance (Shepard 1968), where a radian of turn counts as much as `depth`, the
    distance of what the photo shows. And their spread about it: the covariance of a small turn in camera
    axes (radians) and of the centre."""
    given = np.stack([photo.cam_from_world for photo in photos])
    apart = pose_distances(cam_from_agreed, agreed.cam_from_world, depth)
    near = np.argsort(apart, kind="stable")[: config.carriers]
    weights = 1 / (apart[near] ** 2 + (config.min_distance * depth) ** 2)
    weights /= weights.sum()
    world_from_cam = invert_rigid(given[near]) @ agreed.cam_from_world[near] @ invert_rigid(cam_from_agreed)
    turns = world_from_cam[:, :3, :3]
    centre, turn = weights @ world_from_cam[:, :3, 3], Rotation.from_matrix(turns).mean(weights).as_matrix()
    off = np.hstack([vector_from_rotation(turn.T @ turns), world_from_cam[:, :3, 3] - centre])
    return invert_rigid(rigid(turn, centre)), (off * weights[:, None]).T @ off


def pose_distances(pose: Rigid, others: Float[np.ndarray, "n 4 4"], depth: float) -> Float[np.ndarray, " n"]:
    """Between the centres, and `depth` times the angle (radians) between where the cameras look."""
    turned = vector_from_rotation(others[:, :3, :3] @ pose[:3, :3].T)
    centres = invert_rigid(others)[:, :3, 3]
    moved = np.linalg.norm(centres - invert_rigid(pose)[:3, 3], axis=1)
    return moved + depth * np.linalg.norm(turned, axis=1)


def median_depth(cam_from_world: Rigid, points: Float[np.ndarray, "n 3"]) -> float:
    return float(np.median(transform_points(cam_from_world, points)[:, 2]))
