"""How people carry a camera: past things, around them, through rooms, or turning on the spot."""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from dust3r_sfm.geometry import rotation_from_vector
from dust3r_sfm.synthetic.cameras import Rig, centred_camera, look_at
from dust3r_sfm.types import Camera, Rigid

Waypoints = Float[np.ndarray, "k 3"]


def draw_camera(seed: int, width: int, height: int, least: float = 0.75, most: float = 1.4) -> Camera:
    """A focal between `least` and `most` long edges, drawn by `seed`."""
    rng = np.random.default_rng(seed + 77)
    return centred_camera(width, height, round(float(rng.uniform(least, most)) * max(width, height), 3))


def turn_camera(cam_from_world: Rigid, turn_deg: Float[np.ndarray, "3"]) -> Rigid:
    """The camera on the same place after a turn (rotation vector in its own frame, degrees)."""
    out = np.eye(4)
    out[:3, :3] = rotation_from_vector(np.radians(turn_deg))
    return out @ cam_from_world


def walk(
    camera: Camera,
    count: int,
    eyes: Waypoints,
    targets: Waypoints,
    seed: int = 0,
    step_jitter_m: float = 0.05,
    aim_jitter_deg: float = 1.5,
    roll_jitter_deg: float = 1.5,
) -> Rig:
    """`count` photos along a smooth way through `eyes`, each looking at a point that moves along `targets`
    at the same pace. A hand's trembling is drawn by `seed`."""
    rng = np.random.default_rng(seed + 5)
    knots, at = np.linspace(0.0, 1.0, len(eyes)), np.linspace(0.0, 1.0, count)
    places = CubicSpline(knots, eyes)(at) + rng.uniform(-1.0, 1.0, (count, 3)) * step_jitter_m
    aims = CubicSpline(knots, targets)(at)
    turns = rng.uniform(-1.0, 1.0, (count, 3)) * np.array([aim_jitter_deg, aim_jitter_deg, roll_jitter_deg])
    poses = [turn_camera(look_at(e, a), t) for e, a, t in zip(places, aims, turns, strict=True)]
    return Rig((camera,) * count, np.stack(poses))


def pan(
    camera: Camera,
    eye: Float[np.ndarray, "3"],
    azimuths_deg: Float[np.ndarray, " n"],
    elevations_deg: Float[np.ndarray, " n"],
    rolls_deg: Float[np.ndarray, " n"],
) -> Rig:
    """Photos from exactly one place."""
    azimuth, elevation = np.radians(azimuths_deg), np.radians(elevations_deg)
    ahead = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], axis=-1
    )
    poses = []
    for direction, roll in zip(ahead, rolls_deg, strict=True):
        cam_from_world = look_at(np.zeros(3), direction, float(roll))
        cam_from_world[:3, 3] = -cam_from_world[:3, :3] @ eye
        poses.append(cam_from_world)
    return Rig((camera,) * len(poses), np.stack(poses))


def slide(camera: Camera, first: Rigid, steps_m: Float[np.ndarray, " n"]) -> Rig:
    """Photos with the orientation of `first`, each `steps_m` to the right of it."""
    poses = np.repeat(first[None], len(steps_m), axis=0)
    poses[:, 0, 3] -= steps_m
    return Rig((camera,) * len(poses), poses)
