"""Where synthetic photos are taken from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import rigid
from dust3r_sfm.synthetic.scenes import SceneDescription
from dust3r_sfm.types import Camera, Rigid


@dataclass(frozen=True)
class Rig:
    """Cameras and their poses (world: z up), one a photo."""

    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]

    def __post_init__(self) -> None:
        assert len(self.cameras) == len(self.cam_from_world), "one pose a camera"

    def join(self, other: "Rig") -> "Rig":
        """Both rigs' photos, those of `self` first: mixed sizes and focals."""
        return Rig(self.cameras + other.cameras, np.concatenate([self.cam_from_world, other.cam_from_world]))


def centred_camera(width: int, height: int, focal_px: float) -> Camera:
    return Camera.pinhole(width, height, focal_px, focal_px, width / 2, height / 2)


def look_at(eye: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], roll_deg: float = 0.0) -> Rigid:
    """cam_from_world of an upright camera at `eye` facing `target`, then turned about its axis."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    rotation = np.stack([c * right + s * down, c * down - s * right, forward])
    return rigid(rotation, -rotation @ eye)


def _cameras(count: int, width: int, height: int, focal_px: float | Sequence[float]) -> tuple[Camera, ...]:
    focals = [float(focal_px)] * count if isinstance(focal_px, float | int) else list(focal_px)
    assert len(focals) == count, "one focal for all, or one a photo"
    return tuple(centred_camera(width, height, focal) for focal in focals)


def arc_cameras(
    scene: SceneDescription,
    count: int,
    width: int,
    height: int,
    focal_px: float | Sequence[float],
    step_deg: float = 10.0,
    radius: float = 3.3,
    eye_height: float = 1.45,
    seed: int = 0,
    wander: float = 1.0,
) -> Rig:
    """Photos on an arc about the scene's centre, `step_deg` apart, as a walking person would take them:
    height, distance, aim and tilt vary a little with `seed`, by up to 0.18 and 0.12 metres times `wander`."""
    rng = np.random.default_rng(seed)
    centre = np.array(scene.centre)
    azimuth = np.radians(scene.facing_deg + step_deg * (np.arange(count) - (count - 1) / 2))
    distance = radius * (1.0 + wander * rng.uniform(-0.06, 0.06, count))
    height_world = eye_height + wander * rng.uniform(-0.18, 0.18, count)
    eyes = np.stack(
        [centre[0] + distance * np.cos(azimuth), centre[1] + distance * np.sin(azimuth), height_world],
        axis=-1,
    )
    targets = centre + wander * rng.uniform(-0.12, 0.12, (count, 3))
    rolls = rng.uniform(-2.0, 2.0, count)
    poses = [look_at(eye, target, roll) for eye, target, roll in zip(eyes, targets, rolls, strict=True)]
    return Rig(_cameras(count, width, height, focal_px), np.stack(poses))


def loop_cameras(
    count: int,
    width: int,
    height: int,
    focal_px: float | Sequence[float],
    middle: tuple[float, float, float] = (3.3, 3.3, 1.45),
    radius: float = 1.6,
    seed: int = 0,
) -> Rig:
    """Photos once round a circle in a room, looking out of it: only neighbours see the same, and the last
    meets the first. Places and aims vary a little with `seed`."""
    rng = np.random.default_rng(seed)
    azimuth = 2.0 * np.pi * np.arange(count) / count
    outward = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros(count)], axis=-1)
    eyes = np.array(middle) + radius * outward + rng.uniform(-0.05, 0.05, (count, 3))
    targets = eyes + outward + rng.uniform(-0.08, 0.08, (count, 3))
    poses = [look_at(eye, target) for eye, target in zip(eyes, targets, strict=True)]
    return Rig(_cameras(count, width, height, focal_px), np.stack(poses))


def rotation_only_cameras(
    scene: SceneDescription,
    count: int,
    width: int,
    height: int,
    focal_px: float | Sequence[float],
    step_deg: float = 8.0,
    radius: float = 3.3,
    eye_height: float = 1.45,
) -> Rig:
    """Photos from one and the same place, panned `step_deg` apart about the scene's centre."""
    centre, facing = np.array(scene.centre), np.radians(scene.facing_deg)
    eye = np.array([centre[0] + radius * np.cos(facing), centre[1] + radius * np.sin(facing), eye_height])
    pans = facing + np.pi + np.radians(step_deg * (np.arange(count) - (count - 1) / 2))
    drop = centre[2] - eye[2]
    targets = eye + np.stack([radius * np.cos(pans), radius * np.sin(pans), np.full(count, drop)], axis=-1)
    return Rig(_cameras(count, width, height, focal_px), np.stack([look_at(eye, t) for t in targets]))
