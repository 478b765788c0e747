"""Photos from one spot, which cannot give positions, and photos that slide sideways without turning."""

from dataclasses import dataclass

import numpy as np

from dust3r_sfm.synthetic.cameras import look_at
from dust3r_sfm.synthetic.paths import draw_camera, pan, slide
from dust3r_sfm.synthetic.places.facade import facade_scene
from dust3r_sfm.synthetic.places.furnishing import furnish_room
from dust3r_sfm.synthetic.places.office import office_scene
from dust3r_sfm.synthetic.places.open_ground import open_ground_scene
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.places.table_object import table_object_scene
from dust3r_sfm.synthetic.placing import standing_frame
from dust3r_sfm.synthetic.rendering.primitives import Cylinder, Primitive, Sphere
from dust3r_sfm.synthetic.scenes import PALETTES, SceneDescription, object_materials


@dataclass(frozen=True)
class PanConfig:
    """How a camera is turned on its spot."""

    least_focal: float = 0.7
    """In long edges: a wide lens,"""
    most_focal: float = 1.6
    """and a longer one than in sets that are walked: turning is what it needs."""
    least_step_deg: float = 7.0
    """From photo to photo, on average over a set."""
    most_step_deg: float = 40.0
    """From photo to photo: what panoramas of wide lenses are taken with."""
    most_step_of_view: float = 0.75
    """The share of the view's width that a step may be: neighbours share at least about a quarter of it."""


def shoot_pans(request: Request, config: PanConfig = PanConfig()) -> Shoot:
    """A camera that only turns: every second set also nods, every third rolls a little."""
    rng = np.random.default_rng(request.seed + 31)
    camera = draw_camera(request.seed, request.width, request.height, config.least_focal, config.most_focal)
    view_deg = np.degrees(2 * np.arctan(request.width / 2 / camera.fx))
    step_deg = rng.uniform(
        config.least_step_deg, min(config.most_step_deg, config.most_step_of_view * view_deg)
    )
    scene, eye, facing_deg = _spot(request.seed, rng)
    steps = np.arange(request.count) - (request.count - 1) / 2
    azimuths = facing_deg + step_deg * (steps + rng.uniform(-0.08, 0.08, request.count))
    nod = 12.0 if request.seed % 2 else 1.0
    roll = 5.0 if request.seed % 3 == 0 else 0.5
    elevations = rng.uniform(-8.0, 0.0) + rng.uniform(-nod, nod, request.count)
    return Shoot(scene, pan(camera, eye, azimuths, elevations, rng.uniform(-roll, roll, request.count)))


def _spot(seed: int, rng: np.random.Generator) -> tuple[SceneDescription, np.ndarray, float]:
    """A place, where one stands in it, and the azimuth (degrees) in the middle of the pan."""
    kind = seed % 5
    if kind == 0:
        return table_object_scene(seed), np.array([1.3, -1.1, 1.5]), float(rng.uniform(0.0, 360.0))
    if kind == 1:
        return (
            open_ground_scene(seed),
            np.array([*rng.uniform(-1.0, 1.0, 2), 1.6]),
            float(rng.uniform(-60.0, 60.0)),
        )
    if kind == 2:
        return facade_scene(seed), np.array([8.0, float(rng.uniform(-4.0, 4.0)), 1.65]), 180.0
    if kind == 3:
        return office_scene(seed), np.array([2.6, 4.4, 1.55]), float(rng.uniform(0.0, 360.0))
    return (
        crowded_room_scene(seed),
        np.array([*rng.uniform(-0.6, 0.6, 2), 1.5]),
        float(rng.uniform(0.0, 360.0)),
    )


def crowded_room_scene(seed: int) -> SceneDescription:
    """A furnished room of 7 by 5.6 metres with things standing all over its floor: much depth."""
    rng = np.random.default_rng(seed)
    primitives = [*furnish_room(rng, seed, 3.5, 2.8), *_standing_things(rng, seed)]
    return SceneDescription(tuple(primitives), (0.0, 0.0, 0.8), 90.0, (0.3, -0.4, 2.6))


def _standing_things(rng: np.random.Generator, seed: int) -> list[Primitive]:
    """Posts of several heights with balls on them, in two loose rows along x."""
    out: list[Primitive] = []
    for row, y in enumerate((-0.1, -1.2)):
        for index, material in enumerate(object_materials(rng, PALETTES[(seed + row) % 4])):
            x, half = -2.9 + 0.83 * index + float(rng.uniform(-0.2, 0.2)), float(rng.uniform(0.2, 0.5))
            away, radius = y + float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.09, 0.16))
            out.append(Cylinder(standing_frame((x, away, half)), radius, half, material))
            if rng.random() < 0.6:
                out.append(Sphere(standing_frame((x, away, 2 * half + 0.8 * radius)), 0.8 * radius, material))
    return out


def shoot_sideways_walk(request: Request) -> Shoot:
    """Steps of 12 to 30 centimetres to the right along a room or a street, the camera held straight."""
    rng, seed = np.random.default_rng(request.seed + 41), request.seed
    camera = draw_camera(seed, request.width, request.height)
    steps = np.cumsum(rng.uniform(0.12, 0.30, request.count))
    steps -= steps.mean()
    if seed % 2:
        eye = np.array([8.5, float(rng.uniform(-3.0, 3.0)), 1.65])
        return Shoot(facade_scene(seed), slide(camera, look_at(eye, eye + [-8.0, 1.5, 0.6]), 2.5 * steps))
    eye = np.array([0.0, 2.45, 1.45])
    return Shoot(crowded_room_scene(seed), slide(camera, look_at(eye, eye + [0.1, -4.0, -0.7]), steps))
