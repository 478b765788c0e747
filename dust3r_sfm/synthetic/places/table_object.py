"""A composed object on a table in the middle of a furnished room, to be walked around."""

import numpy as np

from dust3r_sfm.synthetic.places.furnishing import furnish_room
from dust3r_sfm.synthetic.placing import draw_seed, standing_frame, tilted_frame
from dust3r_sfm.synthetic.rendering.materials import Material, Mosaic, Planks
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Sphere
from dust3r_sfm.synthetic.scenes import PALETTES, WOODS, SceneDescription, object_materials

TABLE_TOP_M = 0.74


def table_object_scene(seed: int) -> SceneDescription:
    """The table stands at x = y = 0 in a room of 6.4 by 5.6 metres."""
    rng = np.random.default_rng(seed)
    palette = PALETTES[seed % len(PALETTES)]
    primitives = _table(rng, seed) + _object(rng, object_materials(rng, palette)) + _clutter(rng, seed)
    primitives += furnish_room(rng, seed + 1, 3.2, 2.8)
    return SceneDescription(tuple(primitives), (0.0, 0.0, TABLE_TOP_M + 0.18), 20.0, (0.5, -0.7, 2.6))


def _table(rng: np.random.Generator, seed: int) -> list[Primitive]:
    wood = Planks(draw_seed(rng), WOODS[seed % 4], 0.13, 1.4)
    cloth = Mosaic(draw_seed(rng), PALETTES[(seed + 2) % 4], 0.055)
    legs = [
        Box(standing_frame((0.55 * x, 0.42 * y, 0.345)), (0.03, 0.03, 0.345), wood)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return [
        *legs,
        Box(standing_frame((0.0, 0.0, TABLE_TOP_M - 0.025)), (0.62, 0.5, 0.025), wood),
        Box(standing_frame((0.03, -0.02, TABLE_TOP_M + 0.002), 24.0), (0.36, 0.22, 0.002), cloth),
    ]


def _object(rng: np.random.Generator, materials: list[Material]) -> list[Primitive]:
    """A figure: foot, body, head, arms and a hat, put together a little differently by each seed."""
    body, head = float(rng.uniform(0.085, 0.115)), float(rng.uniform(0.055, 0.075))
    tall, turn = float(rng.uniform(0.07, 0.11)), float(rng.uniform(0.0, 90.0))
    z = TABLE_TOP_M
    middle = z + 0.05 + 2 * tall
    return [
        Box(standing_frame((0.0, 0.0, z + 0.025), turn), (0.13, 0.11, 0.025), materials[0]),
        Cylinder(standing_frame((0.0, 0.0, z + 0.05 + tall)), 0.7 * body, tall, materials[1]),
        Sphere(standing_frame((0.0, 0.0, middle + 0.4 * body)), body, materials[2]),
        Sphere(standing_frame((0.01, 0.0, middle + 1.2 * body + head)), head, materials[3]),
        Cylinder(
            standing_frame((0.01, 0.0, middle + 1.2 * body + 1.8 * head)), 1.15 * head, 0.006, materials[4]
        ),
        Cylinder(
            standing_frame((0.01, 0.0, middle + 1.2 * body + 2.1 * head)), 0.65 * head, 0.035, materials[5]
        ),
        Box(tilted_frame((0.11, 0.06, middle), (25.0, -40.0, turn)), (0.015, 0.02, 0.085), materials[6]),
        Box(
            tilted_frame((-0.10, -0.07, middle + 0.03), (-20.0, 35.0, turn)),
            (0.02, 0.015, 0.08),
            materials[7],
        ),
    ]


def _clutter(rng: np.random.Generator, seed: int) -> list[Primitive]:
    """What lies about on the table."""
    materials = object_materials(rng, PALETTES[(seed + 1) % 4])
    z, far = TABLE_TOP_M, float(rng.uniform(0.30, 0.38))
    return [
        Box(standing_frame((far, 0.22, z + 0.018), 31.0), (0.10, 0.07, 0.018), materials[0]),
        Box(standing_frame((far - 0.01, 0.21, z + 0.050), 12.0), (0.085, 0.06, 0.014), materials[1]),
        Cylinder(standing_frame((-far, 0.24, z + 0.045)), 0.038, 0.045, materials[2]),
        Sphere(standing_frame((-far - 0.06, -0.25, z + 0.04)), 0.04, materials[3]),
        Sphere(standing_frame((-far + 0.04, -0.30, z + 0.033)), 0.033, materials[4]),
    ]
