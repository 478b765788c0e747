"""Wide open ground with few things on it under a large sky: depth from a metre to infinity, and much of the
picture without anything that stands out."""

import numpy as np

from dust3r_sfm.synthetic.places.garden import bench, boulders, bush, lamp_post, tree
from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.lights import Sun
from dust3r_sfm.synthetic.rendering.materials import Bricks, Material, Planks
from dust3r_sfm.synthetic.rendering.outdoor_materials import Grass, Gravel
from dust3r_sfm.synthetic.rendering.primitives import Box, Primitive, Quad
from dust3r_sfm.synthetic.rendering.sky import Sky
from dust3r_sfm.synthetic.scenes import WOODS, SceneDescription


def open_ground_scene(seed: int) -> SceneDescription:
    """A meadow, a gravel place or a paved one, with a path along x through the origin."""
    rng = np.random.default_rng(seed)
    grass = Grass(draw_seed(rng), (0.36, 0.44, 0.20), (0.60, 0.56, 0.34))
    gravel = Gravel(draw_seed(rng), (0.58, 0.54, 0.47), 0.08)
    slabs = Bricks(draw_seed(rng), (0.60, 0.57, 0.52), (0.42, 0.41, 0.36), (0.5, 0.33))
    grounds: tuple[tuple[Material, Material], ...] = ((grass, gravel), (gravel, slabs), (slabs, grass))
    ground, path = grounds[seed % 3]
    primitives = [
        Quad(facing_frame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (400.0, 400.0), ground),
        Quad(facing_frame((0.0, 0.0, 0.006), (0.0, 0.0, 1.0)), (60.0, 0.8), path),
        *_near_things(rng),
        *_far_things(rng),
    ]
    sun = Sun((float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, 0.8)), 0.8))
    sky = Sky(draw_seed(rng), ridge_deg=float(rng.uniform(3.0, 7.0)))
    return SceneDescription(tuple(primitives), (4.0, 0.0, 1.0), 180.0, sun, sky)


def _near_things(rng: np.random.Generator) -> list[Primitive]:
    """Within about ten metres of the path's middle, on both of its sides."""
    side = float(rng.choice([-1.0, 1.0]))
    return [
        *bench(rng, float(rng.uniform(2.0, 4.0)), side * 1.8, 90.0 - 90.0 * side),
        *boulders(rng, float(rng.uniform(-1.0, 1.0)), side * float(rng.uniform(3.0, 4.0)), 5, 1.2),
        *bush(rng, float(rng.uniform(4.0, 6.0)), -side * float(rng.uniform(2.6, 4.0)), 0.8),
        *tree(
            rng,
            float(rng.uniform(6.0, 9.0)),
            side * float(rng.uniform(4.0, 6.0)),
            float(rng.uniform(4.0, 5.5)),
        ),
        *lamp_post(rng, float(rng.uniform(5.0, 8.0)), -side * 1.3),
    ]


def _far_things(rng: np.random.Generator) -> list[Primitive]:
    """A shed and trees, 14 to 60 metres away, all around."""
    x, y = float(rng.uniform(14.0, 20.0)), float(rng.uniform(-7.0, 7.0))
    wall = Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.18, 2.2)
    roof = Planks(draw_seed(rng), (0.42, 0.32, 0.28), 0.25, 0.4)
    out: list[Primitive] = [
        Box(standing_frame((x, y, 1.2), 15.0), (2.0, 1.5, 1.2), wall),
        Box(standing_frame((x, y, 2.5), 15.0), (2.3, 1.8, 0.12), roof),
    ]
    for angle, far, height in rng.uniform([-np.pi, 18.0, 5.0], [np.pi, 55.0, 11.0], (7, 3)):
        out += tree(rng, float(far * np.cos(angle)), float(far * np.sin(angle)), float(height), 16)
    return out
