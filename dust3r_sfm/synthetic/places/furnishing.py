"""Rooms with things along all four walls: what is behind a camera matters when it turns."""

from dataclasses import dataclass

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.blending import Color
from dust3r_sfm.synthetic.rendering.indoor_materials import Poster
from dust3r_sfm.synthetic.rendering.lights import Vector
from dust3r_sfm.synthetic.rendering.materials import Bricks, Marble, Mosaic, Planks, Plaster
from dust3r_sfm.synthetic.rendering.outdoor_materials import Landscape
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.synthetic.scenes import BRICKS, PAINTINGS, PALETTES, WALLS, WOODS, object_materials


@dataclass(frozen=True)
class Wall:
    """A wall's foot: the middle, the horizontal unit normal into the room, half the length."""

    middle: tuple[float, float]
    normal: tuple[float, float]
    half: float

    def at(self, along: float, out: float, height: float) -> Vector:
        """`along` to the right when facing the wall, `out` of it, `height` above the floor (metres)."""
        (x, y), (nx, ny) = self.middle, self.normal
        return (x - along * ny + out * nx, y + along * nx + out * ny, height)

    @property
    def turn_deg(self) -> float:
        """The turn that lays a box's x along the wall."""
        return float(np.degrees(np.arctan2(self.normal[0], -self.normal[1])))


def room_walls(half_x: float, half_y: float) -> tuple[Wall, ...]:
    """Of a room about x = y = 0."""
    return (
        Wall((-half_x, 0.0), (1.0, 0.0), half_y),
        Wall((0.0, -half_y), (0.0, 1.0), half_x),
        Wall((half_x, 0.0), (-1.0, 0.0), half_y),
        Wall((0.0, half_y), (0.0, -1.0), half_x),
    )


def furnish_room(
    rng: np.random.Generator, seed: int, half_x: float, half_y: float, height: float = 2.8
) -> list[Primitive]:
    """A closed room about x = y = 0 with furniture and pictures along each wall, its middle empty."""
    palette = PALETTES[seed % len(PALETTES)]
    wood = WOODS[int(rng.integers(4))]
    covers = (
        Bricks(draw_seed(rng), BRICKS[int(rng.integers(4))], (0.78, 0.75, 0.70)),
        Plaster(draw_seed(rng), WALLS[int(rng.integers(4))]),
        Plaster(draw_seed(rng), WALLS[int(rng.integers(4))]),
        Plaster(draw_seed(rng), WALLS[int(rng.integers(4))]),
    )
    out: list[Primitive] = [
        Quad(facing_frame((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)), (half_x, half_y), Planks(draw_seed(rng), wood)),
        Quad(
            facing_frame((0.0, 0.0, height), (0.0, 0.0, -1.0)),
            (half_x, half_y),
            Plaster(draw_seed(rng), (0.8, 0.8, 0.78)),
        ),
    ]
    for index, wall in enumerate(room_walls(half_x, half_y)):
        nx, ny = wall.normal
        middle = wall.at(0.0, 0.0, height / 2)
        out.append(Quad(facing_frame(middle, (nx, ny, 0.0)), (wall.half, height / 2), covers[index]))
        board = Planks(draw_seed(rng), (0.82, 0.80, 0.76))
        out.append(
            Box(standing_frame(wall.at(0.0, 0.012, 0.06), wall.turn_deg), (wall.half, 0.012, 0.06), board)
        )
        out += _along_wall(rng, wall, index, palette)
    return out


def _along_wall(
    rng: np.random.Generator, wall: Wall, index: int, palette: tuple[Color, ...]
) -> list[Primitive]:
    """A shelf or a sideboard, a thing or two beside it, and pictures above."""
    side = float(rng.choice([-1.0, 1.0]))
    if index % 2 == 0:
        out = bookshelf(rng, wall, side * wall.half * 0.45, palette)
    else:
        out = sideboard(rng, wall, side * wall.half * 0.35, palette)
    things = object_materials(rng, palette)
    beside = -side * wall.half * float(rng.uniform(0.35, 0.6))
    radius = float(rng.uniform(0.16, 0.26))
    out.append(Cylinder(standing_frame(wall.at(beside, 0.4, radius)), radius, radius, things[0]))
    out.append(Sphere(standing_frame(wall.at(beside, 0.4, 2 * radius + 0.14)), 0.14, things[1]))
    out += picture(rng, wall, beside, 1.6, (float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.28, 0.4))))
    if index % 2:
        out += picture(rng, wall, side * wall.half * 0.35, 1.65, (0.38, 0.30))
    return out


def bookshelf(
    rng: np.random.Generator, wall: Wall, along: float, palette: tuple[Color, ...], half: float = 0.5
) -> list[Primitive]:
    """Four shelves between two uprights, with books of many sizes and colours."""
    wood = Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.1, 1.1)
    out: list[Primitive] = [
        Box(standing_frame(wall.at(along + s * half, 0.16, 0.95), wall.turn_deg), (0.02, 0.16, 0.95), wood)
        for s in (-1, 1)
    ]
    out.append(Box(standing_frame(wall.at(along, 0.01, 0.95), wall.turn_deg), (half, 0.01, 0.95), wood))
    for level in range(5):
        height = 0.12 + 0.44 * level
        out.append(
            Box(standing_frame(wall.at(along, 0.16, height), wall.turn_deg), (half, 0.16, 0.015), wood)
        )
        if level < 4:
            out += books(rng, wall, along - half + 0.04, along + half - 0.05, 0.15, height + 0.015, palette)
    return out


def books(
    rng: np.random.Generator,
    wall: Wall,
    start: float,
    end: float,
    out_m: float,
    height: float,
    palette: tuple[Color, ...],
) -> list[Primitive]:
    """A row of books, with a gap here and there."""
    row: list[Primitive] = []
    at = start
    while True:
        half_width, half_height = float(rng.uniform(0.02, 0.05)), float(rng.uniform(0.11, 0.18))
        at += half_width + 0.003 + (0.12 if rng.random() < 0.08 else 0.0)
        if at + half_width > end:
            return row
        cover = Marble(draw_seed(rng), palette[int(rng.integers(5))], palette[int(rng.integers(5))], 0.12)
        size = (half_width, float(rng.uniform(0.09, 0.12)), half_height)
        row.append(Box(standing_frame(wall.at(at, out_m, height + half_height), wall.turn_deg), size, cover))
        at += half_width


def sideboard(
    rng: np.random.Generator, wall: Wall, along: float, palette: tuple[Color, ...]
) -> list[Primitive]:
    """A sideboard with books and a globe."""
    half, top = float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.5, 0.7))
    wood = Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.11, 1.1)
    globe = Marble(draw_seed(rng), (0.34, 0.48, 0.56), (0.78, 0.72, 0.55), 0.25)
    vase = Mosaic(draw_seed(rng), palette, 0.07)
    return [
        Box(standing_frame(wall.at(along, 0.24, top / 2), wall.turn_deg), (half, 0.22, top / 2), wood),
        Sphere(standing_frame(wall.at(along + half - 0.2, 0.24, top + 0.14)), 0.14, globe),
        Cylinder(standing_frame(wall.at(along - half + 0.15, 0.26, top + 0.13)), 0.08, 0.13, vase),
        *books(rng, wall, along - half + 0.28, along + half - 0.4, 0.2, top, palette),
    ]


def picture(
    rng: np.random.Generator, wall: Wall, along: float, height: float, half_size: tuple[float, float]
) -> list[Primitive]:
    """A framed painting or a printed poster on a wall."""
    normal = (wall.normal[0], wall.normal[1], 0.0)
    size = (2 * half_size[0], 2 * half_size[1])
    if rng.random() < 0.6:
        sheet: Landscape | Poster = Landscape(draw_seed(rng), PAINTINGS[int(rng.integers(3))], size[1])
    else:
        sheet = Poster(draw_seed(rng), (0.9, 0.88, 0.82), PALETTES[int(rng.integers(4))], size)
    frame = Planks(draw_seed(rng), (0.34, 0.25, 0.19), 0.05, 0.6)
    border = (half_size[0] + 0.035, half_size[1] + 0.035, 0.012)
    return [
        Box(facing_frame(wall.at(along, 0.013, height), normal), border, frame),
        Quad(facing_frame(wall.at(along, 0.027, height), normal), half_size, sheet),
    ]
