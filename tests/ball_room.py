"""A small scene with closed-form depth: a ball in a room, looked at from an arc of cameras."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.dense import fuse_depth
from dust3r_sfm.evidence import Evidence
from dust3r_sfm.geometry import invert_rigid, pixel_grid, rigid, unproject
from dust3r_sfm.types import Camera, Pair, Reconstruction, View


@dataclass(frozen=True)
class Truth:
    views: list[View]
    cameras: list[Camera]
    cam_from_world: np.ndarray
    depths: list[np.ndarray]


def look_at(eye, target):
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rigid(rotation, -rotation @ eye)


def depth_of(camera, cam_from_world):
    """z of the first hit with the walls |x| = 3, |y| = 2, |z| = 4 or the unit ball at the origin."""
    world_from_cam = invert_rigid(cam_from_world)
    eye = world_from_cam[:3, 3]
    rays = unproject(
        pixel_grid(camera.height, camera.width), np.ones((camera.height, camera.width)), camera
    ) @ (world_from_cam[:3, :3].T)
    with np.errstate(divide="ignore"):
        wall = ((np.sign(rays) * [3.0, 2.0, 4.0] - eye) / rays).min(axis=-1)
    a, b, c = (rays**2).sum(-1), rays @ eye, eye @ eye - 1.0
    inside = b**2 - a * c
    ball = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)
    return np.where(ball > 0, np.minimum(wall, ball), wall)


def arc(cameras: Sequence[Camera], step_deg: float = 14.0) -> Truth:
    rng = np.random.default_rng(7)
    poses = []
    for k in range(len(cameras)):
        angle = np.radians(step_deg * (k - (len(cameras) - 1) / 2))
        eye = np.array([2.6 * np.sin(angle), rng.uniform(-0.6, 0.6), -2.6 * np.cos(angle)])
        poses.append(look_at(eye, rng.uniform(-0.2, 0.2, 3)))
    return at(poses, cameras)


def ring(cameras: Sequence[Camera]) -> Truth:
    """All round the ball, looking at it."""
    rng = np.random.default_rng(7)
    poses = []
    for k in range(len(cameras)):
        angle = 2.0 * np.pi * k / len(cameras)
        eye = np.array([2.4 * np.sin(angle), rng.uniform(-0.6, 0.6), -2.4 * np.cos(angle)])
        poses.append(look_at(eye, rng.uniform(-0.2, 0.2, 3)))
    return at(poses, cameras)


def at(poses: Sequence[np.ndarray], cameras: Sequence[Camera] | None = None) -> Truth:
    """Cameras (all alike if not given) anywhere in the room."""
    cameras = [camera()] * len(poses) if cameras is None else cameras
    views = [
        View(f"{k:02d}.png", np.zeros((c.height, c.width, 3), np.uint8), np.eye(3), (c.width, c.height))
        for k, c in enumerate(cameras)
    ]
    depths = [depth_of(c, pose) for c, pose in zip(cameras, poses, strict=True)]
    return Truth(views, list(cameras), np.stack(poses), depths)


def camera(width=48, height=36, focal=44.0) -> Camera:
    return Camera.pinhole(width, height, focal, focal, width / 2, height / 2)


def all_pairs(views: Sequence[int]) -> list[Pair]:
    return [Pair(i, j) for i in views for j in views if i != j]


def scenes_with_depth(views: Sequence[View], evidence: Evidence, config: AlignmentConfig) -> Reconstruction:
    """With depth."""
    return fuse_depth(align(views, evidence, config), views, evidence)
