"""A house front of equal windows, with little that is there only once: repeated structure."""

from dataclasses import dataclass

import numpy as np

from dust3r_sfm.synthetic.places.garden import bench, bush, plant_pot, tree
from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.blending import Color
from dust3r_sfm.synthetic.rendering.indoor_materials import Poster
from dust3r_sfm.synthetic.rendering.lights import Sun
from dust3r_sfm.synthetic.rendering.materials import Bricks, Marble, Material, Planks, Plaster, Repeated
from dust3r_sfm.synthetic.rendering.outdoor_materials import Gravel, Windows
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad
from dust3r_sfm.synthetic.rendering.sky import Sky
from dust3r_sfm.synthetic.scenes import PALETTES, WOODS, SceneDescription

FRONTS: tuple[Color, ...] = ((0.78, 0.68, 0.52), (0.70, 0.44, 0.34), (0.74, 0.74, 0.70), (0.62, 0.66, 0.58))


@dataclass(frozen=True)
class Front:
    """Windows of `size` every `pitch` metres (across, up), an odd number of columns and of floors. The front
    is the plane x = 0, seen from positive x; its middle column is about y = 0, its foot at z = 0."""

    columns: int
    floors: int
    pitch: tuple[float, float]
    size: tuple[float, float]

    @property
    def half_width(self) -> float:
        return self.columns * self.pitch[0] / 2

    @property
    def height(self) -> float:
        return self.floors * self.pitch[1]


def draw_front(seed: int) -> Front:
    """The proportions of the house of `seed`, whole numbers of bricks of 0.26 by 0.10 metres."""
    rng = np.random.default_rng(seed + 1000)
    pitch = (0.26 * int(rng.integers(9, 12)), 0.10 * int(rng.integers(30, 35)))
    return Front(9 + 2 * int(rng.integers(0, 2)), 3 + 2 * int(rng.integers(0, 2)), pitch, (1.3, 1.8))


def facade_scene(seed: int) -> SceneDescription:
    """The house, its neighbours at both ends, the street before it, and what stands there."""
    rng, front = np.random.default_rng(seed), draw_front(seed)
    primitives = [
        *_house(rng, seed, front),
        *_neighbours(rng, seed, front),
        *_street(rng),
        *_clutter(rng, seed, front),
    ]
    sun = Sun((0.75, float(rng.uniform(-0.9, 0.9)), 0.9))
    return SceneDescription(tuple(primitives), (0.0, 0.0, 3.0), 0.0, sun, Sky(draw_seed(rng)))


def _house(rng: np.random.Generator, seed: int, front: Front) -> list[Primitive]:
    """Panes set back behind piers and, a little less, behind the wall below and above windows."""
    (across, up), (width, height) = front.pitch, front.size
    color = FRONTS[seed % 4]
    inner: Material = (
        Bricks(draw_seed(rng), color, (0.74, 0.71, 0.66), (0.26, 0.10))
        if seed % 2
        else Plaster(draw_seed(rng), color)
    )
    # bars along the front repeat across on their upper and lower sides too, where v runs along them
    wall, bar = Repeated(inner, front.pitch), Repeated(inner, (across, across))
    stone = Repeated(Marble(draw_seed(rng), (0.74, 0.70, 0.62), (0.52, 0.48, 0.42), 0.4), (across, across))
    panes = Windows(draw_seed(rng), front.pitch, front.size, (0.86, 0.84, 0.78), (0.80, 0.74, 0.66))
    out: list[Primitive] = [
        Quad(
            facing_frame((-0.25, 0.0, front.height / 2), (1.0, 0.0, 0.0)),
            (front.half_width, front.height / 2),
            panes,
        )
    ]
    for column in range(front.columns + 1):
        y = (column - front.columns / 2) * across
        pier = ((across - width) / 2, front.height / 2)
        out.append(Box(standing_frame((-0.2, y, front.height / 2)), (0.2, *pier), wall))
    for floor in range(front.floors + 1):
        z, half = floor * up, (up - height) / 2
        out.append(Box(standing_frame((-0.22, 0.0, z)), (0.19, front.half_width, half), bar))
        out.append(Box(standing_frame((-0.1, 0.0, z + half)), (0.19, front.half_width, 0.06), stone))
    roof = Planks(draw_seed(rng), (0.40, 0.30, 0.26), 0.2, 0.35)
    out.append(
        Box(standing_frame((-2.8, 0.0, front.height + 0.5)), (3.2, front.half_width + 0.3, 0.22), roof)
    )
    return out


def _neighbours(rng: np.random.Generator, seed: int, front: Front) -> list[Primitive]:
    """Plainer houses, set back, which end the row."""
    out: list[Primitive] = []
    for side in (-1.0, 1.0):
        high, half = front.height * float(rng.uniform(0.6, 0.9)) / 2, float(rng.uniform(3.0, 4.5))
        wall = Plaster(draw_seed(rng), FRONTS[(seed + 2 + int(side)) % 4])
        centre = (-4.0, side * (front.half_width + half + 0.4), high)
        out.append(Box(standing_frame(centre), (3.2, half, high), wall))
    return out


def _street(rng: np.random.Generator) -> list[Primitive]:
    slabs = Bricks(draw_seed(rng), (0.60, 0.58, 0.55), (0.40, 0.39, 0.37), (0.6, 0.4))
    return [
        Quad(
            facing_frame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
            (60.0, 60.0),
            Gravel(draw_seed(rng), (0.42, 0.41, 0.40), 0.05),
        ),
        Box(standing_frame((1.2, 0.0, 0.0)), (2.4, 60.0, 0.07), slabs),
    ]


def _clutter(rng: np.random.Generator, seed: int, front: Front) -> list[Primitive]:
    """A door under a sign, a drainpipe, plants, a bench and a tree: the only things that are there once."""
    across = front.pitch[0]
    half = front.columns // 2
    door_y, pipe_y = (across * int(n) for n in rng.permutation(np.arange(-half, half + 1))[:2])
    palette = PALETTES[seed % 4]
    door = Planks(draw_seed(rng), palette[1 + seed % 3], 0.16, 2.3)
    sign = Poster(draw_seed(rng), palette[0], palette, (1.9, 0.7))
    zinc = Marble(draw_seed(rng), (0.55, 0.57, 0.58), (0.40, 0.42, 0.42), 0.3)
    out: list[Primitive] = [
        Box(standing_frame((-0.05, door_y, 1.3)), (0.08, 0.68, 1.3), door),
        Quad(facing_frame((0.16, door_y + 0.1, 2.95), (1.0, 0.0, 0.0)), (0.95, 0.35), sign),
        Cylinder(standing_frame((0.08, pipe_y + across / 2, front.height / 2)), 0.06, front.height / 2, zinc),
        *plant_pot(rng, 0.5, door_y - 1.0),
        *bench(rng, 0.9, door_y + 2.3, 90.0),
        *bush(rng, 0.8, -door_y + 1.0, 0.7),
        *tree(rng, float(rng.uniform(2.6, 3.2)), float(rng.uniform(-0.7, 0.7)) * front.half_width, 5.2),
    ]
    for y in rng.uniform(-0.9, 0.9, 2) * front.half_width:
        out += plant_pot(rng, 0.45, float(y))
    return out + [
        Box(standing_frame((0.3, pipe_y, 0.6)), (0.2, 0.35, 0.53), Planks(draw_seed(rng), WOODS[seed % 4]))
    ]
