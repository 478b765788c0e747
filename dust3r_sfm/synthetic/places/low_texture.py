"""A small plaster model of a ruined temple on black ground: soft shades, hardly any texture, columns that
look alike."""

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame, tilted_frame
from dust3r_sfm.synthetic.rendering.indoor_materials import Faint
from dust3r_sfm.synthetic.rendering.lights import Lamps
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.synthetic.scenes import SceneDescription


def low_texture_scene(seed: int) -> SceneDescription:
    """The model is about 0.6 metres long and 0.55 high, and stands at x = y = 0 on the plane z = 0."""
    rng = np.random.default_rng(seed)
    stone = Faint(draw_seed(rng), (0.80, 0.74, 0.64), float(rng.uniform(0.10, 0.16)), 0.11)
    velvet = Faint(draw_seed(rng), (0.055, 0.055, 0.06), 0.3, 0.4)
    ground = Quad(facing_frame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (30.0, 30.0), velvet)
    primitives = [ground, *_steps(stone), *_columns(rng, stone), *_roof(rng, stone), *_rubble(rng, stone)]
    return SceneDescription(tuple(primitives), (0.0, 0.0, 0.24), 0.0, _lights())


def _lights() -> Lamps:
    """A strong lamp at one side, made soft by its size, and weaker ones around."""
    strong = tuple((0.7 + a, -1.0 + b, 1.9) for a in (-0.25, 0.25) for b in (-0.25, 0.25))
    return Lamps((*strong, (-1.6, 0.4, 1.3), (0.3, 1.7, 1.4)), 0.42)


def _steps(stone: Faint) -> list[Primitive]:
    return [
        Box(standing_frame((0.0, 0.0, 0.015 + 0.03 * k)), (0.33 - 0.03 * k, 0.23 - 0.03 * k, 0.015), stone)
        for k in range(3)
    ]


def _columns(rng: np.random.Generator, stone: Faint) -> list[Primitive]:
    """A row of four at the back, two and a stump in front, and a wall at one end."""
    out: list[Primitive] = []
    for index, x in enumerate((-0.20, -0.07, 0.07, 0.20)):
        for y in (-0.12, 0.12):
            broken = y < 0 and index >= 2
            height = float(rng.uniform(0.05, 0.14)) if broken else 0.27
            out += _column(x, y, 0.09, height, not broken, stone)
    out.append(Box(standing_frame((-0.20, 0.0, 0.20)), (0.018, 0.095, 0.11), stone))
    return out


def _column(x: float, y: float, foot: float, height: float, whole: bool, stone: Faint) -> list[Primitive]:
    """A shaft of four drums, each a little thinner, on a ring, under a slab if it is whole."""
    drum = height / 4
    out: list[Primitive] = [Cylinder(standing_frame((x, y, foot + 0.008)), 0.034, 0.008, stone)]
    for k in range(4):
        out.append(
            Cylinder(
                standing_frame((x, y, foot + drum * (k + 0.5))), 0.027 - 0.0012 * k, drum / 2 - 0.001, stone
            )
        )
    if whole:
        out.append(Box(standing_frame((x, y, foot + height + 0.008)), (0.034, 0.034, 0.008), stone))
    return out


def _roof(rng: np.random.Generator, stone: Faint) -> list[Primitive]:
    """The beams that are left, a gable of stacked slabs at one end, and a ball on it."""
    top = 0.376
    out: list[Primitive] = [
        Box(standing_frame((0.0, 0.12, top + 0.02)), (0.24, 0.03, 0.02), stone),
        Box(standing_frame((-0.135, -0.12, top + 0.02)), (0.105, 0.03, 0.02), stone),
        Box(standing_frame((-0.20, 0.0, top + 0.02)), (0.03, 0.09, 0.019), stone),
    ]
    for k in range(5):
        out.append(
            Box(
                standing_frame((-0.20, 0.0, top + 0.049 + 0.018 * k)),
                (0.028, 0.145 - 0.029 * k, 0.009),
                stone,
            )
        )
    return [*out, Sphere(standing_frame((-0.20, 0.0, top + 0.15)), 0.022, stone)]


def _rubble(rng: np.random.Generator, stone: Faint) -> list[Primitive]:
    """Fallen drums and blocks, and a figure without arms between the columns."""
    out: list[Primitive] = [
        Cylinder(tilted_frame((0.17, -0.29, 0.028), (90.0, 0.0, 0.0)), 0.027, 0.035, stone),
        Cylinder(tilted_frame((0.30, -0.05, 0.055), (0.0, 86.0, 20.0)), 0.026, 0.04, stone),
        Cylinder(standing_frame((0.05, -0.02, 0.15)), 0.032, 0.06, stone),
        Sphere(standing_frame((0.05, -0.02, 0.225)), 0.038, stone),
        Sphere(standing_frame((0.052, -0.022, 0.275)), 0.024, stone),
    ]
    for x, y, turn, size in rng.uniform([-0.4, -0.36, 0.0, 0.015], [0.4, -0.27, 90.0, 0.03], (4, 4)):
        out.append(
            Box(
                tilted_frame((x, y, 0.9 * size), (8.0, 5.0, turn)),
                (1.4 * size, 0.9 * size, 0.8 * size),
                stone,
            )
        )
    return out
