"""A hand-held walk through all rooms of the office and back to where it began."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline, PchipInterpolator

from dust3r_sfm.synthetic.cameras import Rig, look_at
from dust3r_sfm.synthetic.paths import draw_camera, turn_camera
from dust3r_sfm.synthetic.places.office import office_scene
from dust3r_sfm.synthetic.places.shoot import Request, Shoot


@dataclass(frozen=True)
class WalkConfig:
    """How a person with a camera walks and trembles."""

    step_m: float = 0.20
    """From frame to frame, where the way is straight: two frames a second at a stroll."""
    turn_deg: float = 12.0
    """From frame to frame, on the mean of a turn: at its height it is half as much more."""
    eye_height_m: float = 1.5
    """Of a camera held before the face."""
    bob_m: float = 0.03
    """Deviation of the camera's place from the smooth way."""
    shake_deg: float = 2.5
    """Deviation of its aim, and half of it of its roll."""
    knot_frames: int = 4
    """How often the hand changes its mind."""
    least_focal: float = 0.75
    """In long edges: who walks through rooms takes a wide lens,"""
    most_focal: float = 1.1
    """and none longer than this."""


WAY = (
    (1.0, 1.0, 0.0),
    (2.9, 1.0, 5.0),
    (3.6, 1.35, 85.0),
    (3.65, 2.6, 95.0),
    (3.2, 3.5, 150.0),
    (2.4, 4.2, 205.0),
    (2.0, 4.9, 130.0),
    (2.6, 5.6, 60.0),
    (3.7, 5.85, 0.0),
    (5.2, 5.85, -5.0),
    (6.3, 5.4, -50.0),
    (6.8, 4.8, -130.0),
    (6.6, 4.2, -200.0),
    (7.2, 3.6, -120.0),
    (8.0, 2.7, -90.0),
    (8.05, 1.5, -85.0),
    (8.6, 1.0, 0.0),
    (9.8, 1.0, 10.0),
    (10.4, 1.4, 85.0),
    (10.5, 2.8, 75.0),
    (10.9, 3.6, 30.0),
    (11.2, 3.8, 110.0),
    (10.8, 3.4, 200.0),
    (10.5, 2.7, 268.0),
    (10.45, 1.5, 265.0),
    (9.8, 1.0, 185.0),
    (5.5, 0.95, 180.0),
    (1.2, 1.0, 180.0),
    (1.0, 1.0, 360.0),
)
"""x and y in metres, and the azimuth of the gaze in degrees, never wrapped, through the office's doors."""


def shoot_office_walk(request: Request) -> Shoot:
    """The whole way in `request.count` frames: fewer are farther apart."""
    config = WalkConfig()
    camera = draw_camera(request.seed, request.width, request.height, config.least_focal, config.most_focal)
    way = _way(request.count, config)
    rng = np.random.default_rng(request.seed + 51)
    bob = config.bob_m * _wander(rng, request.count, config)
    shake = config.shake_deg * _wander(rng, request.count, config) * np.array([1.0, 1.0, 0.5])
    poses = []
    for (x, y, azimuth_deg), off, turn in zip(way, bob, shake, strict=True):
        eye = np.array([x, y, config.eye_height_m]) + off
        azimuth = np.radians(azimuth_deg)
        ahead = np.array([np.cos(azimuth), np.sin(azimuth), -0.05])
        poses.append(turn_camera(look_at(eye, eye + ahead), turn))
    return Shoot(office_scene(request.seed), Rig((camera,) * request.count, np.stack(poses)))


def _way(count: int, config: WalkConfig) -> Float[np.ndarray, "count 3"]:
    """Places and gazes along `WAY`, each part as long as its steps or its turn take."""
    way = np.array(WAY)
    moves, turns = np.linalg.norm(np.diff(way[:, :2], axis=0), axis=1), np.abs(np.diff(way[:, 2]))
    frames = np.maximum(moves / config.step_m, turns / config.turn_deg)
    times = np.concatenate([[0.0], np.cumsum(frames)])
    return PchipInterpolator(times, way)(np.linspace(0.0, times[-1], count))


def _wander(rng: np.random.Generator, count: int, config: WalkConfig) -> Float[np.ndarray, "count 3"]:
    """Smooth random curves of about unit deviation."""
    knots = np.arange(0, count + 2 * config.knot_frames, config.knot_frames)
    return CubicSpline(knots, rng.standard_normal((len(knots), 3)))(np.arange(count))
