"""A wall that nine tenths of all matches lie on, with a shallow relief and little before it: most pairs of
photos are explained by a homography, and what tells how the camera moved is small."""

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.materials import Bricks, Marble, Material, Mosaic, Plaster, Terrazzo
from dust3r_sfm.synthetic.rendering.outdoor_materials import Gravel
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.synthetic.scenes import BRICKS, PALETTES, SceneDescription


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
    wall = Quad(facing_frame((0.0, 0.0, 2.5), (1.0, 0.0, 0.0)), (7.0, 3.5), stones[seed % 4])
    floor = Quad(
        facing_frame((7.0, 0.0, -0.2), (0.0, 0.0, 1.0)),
        (7.0, 7.0),
        Gravel(draw_seed(rng), (0.52, 0.50, 0.46)),
    )
    ceiling = Quad(
        facing_frame((7.0, 0.0, 6.0), (0.0, 0.0, -1.0)), (7.0, 7.0), Plaster(draw_seed(rng), (0.7, 0.7, 0.7))
    )
    primitives = [wall, floor, ceiling, *_relief(rng), *_before(rng, seed)]
    return SceneDescription(tuple(primitives), (0.0, 0.0, 1.5), 0.0, (2.6, -1.9, 3.3))


def _relief(rng: np.random.Generator) -> list[Primitive]:
    """A carved tablet: bosses and bars that stand out of the wall by 1 to 6 centimetres."""
    stone = Marble(draw_seed(rng), (0.70, 0.66, 0.58), (0.44, 0.38, 0.32), 0.25)
    middle_y, middle_z = float(rng.uniform(-0.3, 0.3)), float(rng.uniform(1.45, 1.75))
    out: list[Primitive] = [
        Box(standing_frame((0.005, middle_y, middle_z)), (0.012, 0.34, 0.24), stone),
    ]
    for y, z, radius in rng.uniform([-0.26, -0.17, 0.045], [0.26, 0.17, 0.10], (7, 3)):
        sunk = 0.015 + float(rng.uniform(0.015, 0.05)) - radius
        out.append(Sphere(standing_frame((sunk, middle_y + y, middle_z + z)), float(radius), stone))
    for side in (-1.0, 1.0):
        out.append(Cylinder(standing_frame((0.0, middle_y + side * 0.36, middle_z)), 0.035, 0.26, stone))
    return out


def _before(rng: np.random.Generator, seed: int) -> list[Primitive]:
    """Things on posts, a few decimetres before the wall: three in places of even seeds, with about a
    tenth of the matches, and a small one in those of odd seeds, with hardly any."""
    if seed % 2:
        return _bust(rng, seed, float(rng.choice([-0.6, 0.6])), float(rng.uniform(0.25, 0.5)), 0.06)
    out: list[Primitive] = []
    for y in (-0.75, 0.1, 0.8):
        out += _bust(rng, seed, y + float(rng.uniform(-0.1, 0.1)), float(rng.uniform(0.4, 0.7)), 0.085)
    return out


def _bust(rng: np.random.Generator, seed: int, y: float, x: float, size: float) -> list[Primitive]:
    """A ball of chips on a tiled block on a post, `x` before the wall."""
    palette, z = PALETTES[(seed + 1) % 4], float(rng.uniform(1.0, 1.15))
    chips = Terrazzo(draw_seed(rng), palette[0], palette[1:], float(rng.uniform(0.025, 0.04)))
    tiles = Mosaic(draw_seed(rng), palette, float(rng.uniform(0.035, 0.05)))
    post = Marble(draw_seed(rng), palette[4], palette[0], 0.2)
    return [
        Cylinder(standing_frame((x, y, z / 2 - 0.1)), 0.4 * size, z / 2 + 0.1, post),
        Box(standing_frame((x, y, z + 0.7 * size), 20.0), (size, 0.8 * size, 0.7 * size), tiles),
        Sphere(standing_frame((x, y, z + 2.2 * size)), 1.1 * size, chips),
    ]
