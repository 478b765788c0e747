"""Things that stand outdoors."""

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, standing_frame
from dust3r_sfm.synthetic.rendering.materials import Marble, Planks, Terrazzo
from dust3r_sfm.synthetic.rendering.outdoor_materials import Leaves
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Sphere
from dust3r_sfm.synthetic.scenes import PALETTES, WOODS

BARK = (0.36, 0.31, 0.26)
GREENS = ((0.34, 0.44, 0.20), (0.28, 0.40, 0.22), (0.42, 0.46, 0.20), (0.30, 0.36, 0.18))


def tree(rng: np.random.Generator, x: float, y: float, height: float, balls: int = 34) -> list[Primitive]:
    """A trunk under a crown of `balls` of leaves."""
    bark = Marble(draw_seed(rng), BARK, (0.22, 0.19, 0.16), 0.12)
    leaves = Leaves(draw_seed(rng), GREENS[int(rng.integers(4))], 0.013 * height)
    out: list[Primitive] = [
        Cylinder(standing_frame((x, y, 0.3 * height)), 0.022 * height, 0.3 * height, bark)
    ]
    for index in range(balls):
        angle, up = 2.4 * index, float(rng.uniform(-1.0, 1.0))
        away = float(rng.uniform(0.6, 1.0)) * (1.0 - up * up) ** 0.5 * (0.21 - 0.05 * up)
        centre = (
            x + away * height * np.cos(angle),
            y + away * height * np.sin(angle),
            (0.65 + 0.24 * up) * height,
        )
        out.append(Sphere(standing_frame(centre), float(rng.uniform(0.075, 0.12)) * height, leaves))
    return out


def bush(rng: np.random.Generator, x: float, y: float, size: float) -> list[Primitive]:
    """Overlapping balls of leaves on the ground."""
    leaves = Leaves(draw_seed(rng), GREENS[int(rng.integers(4))], 0.06)
    places = rng.uniform([-0.6, -0.6, 0.2, 0.18], [0.6, 0.6, 0.8, 0.38], (14, 4)) * size
    return [Sphere(standing_frame((x + a, y + b, c)), float(r), leaves) for a, b, c, r in places]


def plant_pot(rng: np.random.Generator, x: float, y: float) -> list[Primitive]:
    """A clay pot on the ground with a round plant, 1.1 metres high."""
    clay = Terrazzo(draw_seed(rng), (0.60, 0.36, 0.26), ((0.5, 0.3, 0.2), (0.7, 0.5, 0.4)), 0.05)
    leaves = Leaves(draw_seed(rng), GREENS[int(rng.integers(4))], 0.05)
    out: list[Primitive] = [Cylinder(standing_frame((x, y, 0.22)), 0.2, 0.22, clay)]
    for a, b, c in rng.uniform([-0.12, -0.12, 0.5], [0.12, 0.12, 0.95], (4, 3)):
        out.append(Sphere(standing_frame((x + a, y + b, c)), 0.2, leaves))
    return out


def bench(rng: np.random.Generator, x: float, y: float, turn_deg: float) -> list[Primitive]:
    wood = Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.09, 1.7)
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    legs: list[Primitive] = [
        Box(
            standing_frame((x + side * 0.6 * c, y + side * 0.6 * s, 0.21), turn_deg), (0.05, 0.18, 0.21), wood
        )
        for side in (-1, 1)
    ]
    back = (x - 0.2 * s, y + 0.2 * c, 0.68)
    return [
        *legs,
        Box(standing_frame((x, y, 0.44), turn_deg), (0.8, 0.2, 0.025), wood),
        Box(standing_frame(back, turn_deg), (0.8, 0.02, 0.16), wood),
    ]


def boulders(rng: np.random.Generator, x: float, y: float, count: int, spread: float) -> list[Primitive]:
    """Stones half in the ground."""
    out: list[Primitive] = []
    for a, b, radius in rng.uniform([-spread, -spread, 0.1], [spread, spread, 0.45], (count, 3)):
        stone = Marble(draw_seed(rng), (0.56, 0.54, 0.50), (0.30, 0.30, 0.28), 0.3)
        out.append(Sphere(standing_frame((x + a, y + b, 0.2 * radius)), float(radius), stone))
    return out


def lamp_post(rng: np.random.Generator, x: float, y: float) -> list[Primitive]:
    iron = Marble(draw_seed(rng), (0.26, 0.29, 0.28), (0.40, 0.38, 0.32), 0.2)
    glass = Terrazzo(draw_seed(rng), (0.86, 0.85, 0.80), PALETTES[0][1:], 0.09)
    return [
        Cylinder(standing_frame((x, y, 1.7)), 0.05, 1.7, iron),
        Cylinder(standing_frame((x, y, 0.25)), 0.11, 0.25, iron),
        Sphere(standing_frame((x, y, 3.55)), 0.19, glass),
    ]
