"""A wall that nine tenths of all matches lie on, with a shallow relief and one thing before it: most pairs of
photos are explained by a homography, and what tells how the camera moved is small."""

import numpy as np

from dust3r_sfm.synthetic.materials import Bricks, Marble, Material, Plaster, Terrazzo
from dust3r_sfm.synthetic.outdoor_materials import Gravel
from dust3r_sfm.synthetic.placing import draw_seed, facing, standing
from dust3r_sfm.synthetic.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.synthetic.scenes import BRICKS, PALETTES, SceneDescription, object_materials


def relief_wall_scene(seed: int) -> SceneDescription:
    """The wall is the plane x = 0, seen from positive x."""
    rng = np.random.default_rng(seed)
    palette = PALETTES[seed % len(PALETTES)]
    stones: tuple[Material, ...] = (
        Bricks(draw_seed(rng), BRICKS[seed % 4], (0.70, 0.67, 0.62), (0.34, 0.16)),
        Marble(draw_seed(rng), (0.72, 0.67, 0.58), (0.42, 0.36, 0.30), 0.5),
        Bricks(draw_seed(rng), (0.66, 0.62, 0.55), (0.48, 0.45, 0.40), (0.52, 0.30)),
        Terrazzo(draw_seed(rng), (0.62, 0.58, 0.52), palette[1:], 0.06),
    )
    wall = Quad(facing((0.0, 0.0, 2.5), (1.0, 0.0, 0.0)), (7.0, 3.5), stones[seed % 4])
    floor = Quad(
        facing((7.0, 0.0, -0.2), (0.0, 0.0, 1.0)), (7.0, 7.0), Gravel(draw_seed(rng), (0.52, 0.50, 0.46))
    )
    ceiling = Quad(
        facing((7.0, 0.0, 6.0), (0.0, 0.0, -1.0)), (7.0, 7.0), Plaster(draw_seed(rng), (0.7, 0.7, 0.7))
    )
    primitives = [wall, floor, ceiling, *_relief(rng), *_before(rng, seed)]
    return SceneDescription(tuple(primitives), (0.0, 0.0, 1.5), 0.0, (2.6, -1.9, 3.3))


def _relief(rng: np.random.Generator) -> list[Primitive]:
    """A carved tablet: bosses and bars that stand out of the wall by 1 to 6 centimetres."""
    stone = Marble(draw_seed(rng), (0.70, 0.66, 0.58), (0.44, 0.38, 0.32), 0.25)
    middle_y, middle_z = float(rng.uniform(-0.3, 0.3)), float(rng.uniform(1.45, 1.75))
    out: list[Primitive] = [
        Box(standing((0.005, middle_y, middle_z)), (0.012, 0.34, 0.24), stone),
    ]
    for y, z, radius in rng.uniform([-0.26, -0.17, 0.045], [0.26, 0.17, 0.10], (7, 3)):
        sunk = 0.015 + float(rng.uniform(0.015, 0.05)) - radius
        out.append(Sphere(standing((sunk, middle_y + y, middle_z + z)), float(radius), stone))
    for side in (-1.0, 1.0):
        out.append(Cylinder(standing((0.0, middle_y + side * 0.36, middle_z)), 0.035, 0.26, stone))
    return out


def _before(rng: np.random.Generator, seed: int) -> list[Primitive]:
    """One thing on a thin post, a few decimetres before the wall."""
    materials = object_materials(rng, PALETTES[(seed + 1) % 4])
    side = float(rng.choice([-1.0, 1.0]))
    x, y, z = float(rng.uniform(0.25, 0.5)), side * float(rng.uniform(0.5, 0.8)), float(rng.uniform(1.0, 1.2))
    return [
        Cylinder(standing((x, y, z / 2 - 0.1)), 0.025, z / 2 + 0.1, materials[0]),
        Box(standing((x, y, z + 0.02), 20.0), (0.07, 0.07, 0.02), materials[1]),
        Sphere(standing((x, y, z + 0.13)), 0.09, materials[2]),
    ]
