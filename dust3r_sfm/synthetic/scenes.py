"""Descriptions of scenes: primitives, a light, and what cameras should look at. World: z up, metres."""

from dataclasses import dataclass

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.blending import Color
from dust3r_sfm.synthetic.rendering.lights import Light, Vector
from dust3r_sfm.synthetic.rendering.materials import (
    Bricks,
    Marble,
    Material,
    Mosaic,
    Planks,
    Plaster,
    Terrazzo,
)
from dust3r_sfm.synthetic.rendering.outdoor_materials import Landscape
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.synthetic.rendering.sky import Sky
from dust3r_sfm.types import Rigid

Palette = tuple[Color, ...]

PALETTES: tuple[Palette, ...] = (
    ((0.89, 0.85, 0.76), (0.76, 0.42, 0.27), (0.23, 0.36, 0.44), (0.85, 0.66, 0.34), (0.36, 0.29, 0.26)),
    ((0.87, 0.86, 0.80), (0.33, 0.46, 0.38), (0.72, 0.62, 0.42), (0.22, 0.27, 0.30), (0.66, 0.36, 0.30)),
    ((0.90, 0.84, 0.78), (0.24, 0.30, 0.47), (0.80, 0.50, 0.42), (0.56, 0.62, 0.68), (0.30, 0.22, 0.26)),
    ((0.92, 0.88, 0.74), (0.62, 0.28, 0.26), (0.85, 0.60, 0.22), (0.30, 0.42, 0.40), (0.40, 0.30, 0.22)),
)
"""Colours that go together: light, two accents, a second light, dark."""
WOODS: Palette = ((0.66, 0.50, 0.36), (0.55, 0.40, 0.28), (0.72, 0.60, 0.45), (0.48, 0.40, 0.34))
WALLS: Palette = ((0.74, 0.76, 0.68), (0.66, 0.72, 0.76), (0.80, 0.72, 0.60), (0.78, 0.70, 0.68))
BRICKS: Palette = ((0.64, 0.40, 0.31), (0.70, 0.66, 0.60), (0.60, 0.48, 0.38), (0.52, 0.46, 0.46))
PAINTINGS: tuple[Palette, ...] = (
    ((0.66, 0.78, 0.86), (0.62, 0.70, 0.76), (0.46, 0.58, 0.58), (0.36, 0.48, 0.36), (0.50, 0.50, 0.26)),
    ((0.93, 0.72, 0.50), (0.76, 0.52, 0.50), (0.52, 0.38, 0.48), (0.34, 0.28, 0.40), (0.20, 0.19, 0.26)),
    ((0.86, 0.84, 0.72), (0.80, 0.66, 0.44), (0.66, 0.46, 0.30), (0.46, 0.32, 0.24), (0.26, 0.22, 0.20)),
)


@dataclass(frozen=True)
class SceneDescription:
    """Everything a renderer needs to know. `centre` is the point to look at, `facing_deg` the azimuth
    (about z, from x) on which cameras see it from the front. `light`: the position of one lamp, or what
    only `photo.render_photo` can render, as is `sky`: what rays see that hit nothing (None: black)."""

    primitives: tuple[Primitive, ...]
    centre: Vector
    facing_deg: float
    light: Light
    sky: Sky | None = None


def room_scene(seed: int) -> SceneDescription:
    """The corner of a furnished, closed room, 6 x 6 x 2.9: every ray from inside hits something.

    Another seed gives other textures, colours and proportions: a place that shares nothing with it.
    """
    rng = np.random.default_rng(seed)
    palette = PALETTES[seed % len(PALETTES)]
    primitives = (
        _shell(rng, seed, 6.0, 2.9)
        + _furniture(rng, palette)
        + _sideboard(rng, palette)
        + _pictures(rng, palette)
    )
    return SceneDescription(tuple(primitives), (1.25, 1.25, 0.72), 45.0, (3.1, 2.4, 2.55))


def plane_scene(seed: int) -> SceneDescription:
    """One upright textured rectangle, 12 x 12, in the plane x = 0: a homography between any two views."""
    rng = np.random.default_rng(seed)
    palette = PALETTES[seed % len(PALETTES)]
    wall = Quad(
        facing_frame((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), (6.0, 6.0), Mosaic(draw_seed(rng), palette, 0.31)
    )
    return SceneDescription((wall,), (0.0, 0.0, 0.0), 0.0, (6.0, 1.0, 2.0))


def _shell(rng: np.random.Generator, seed: int, side: float, height: float) -> list[Primitive]:
    """Floor, ceiling and four walls of the room [0, side]^2 x [0, height], facing inwards."""
    half, mid = side / 2, height / 2
    wall = (half, mid)
    bricks = Bricks(draw_seed(rng), BRICKS[seed % 4], (0.78, 0.75, 0.70))
    paint, plain = (
        Plaster(draw_seed(rng), WALLS[(seed + seed // 4) % 4]),
        Plaster(draw_seed(rng), (0.80, 0.79, 0.75)),
    )
    boards = Planks(draw_seed(rng), WOODS[(seed + seed // 4) % 4])
    return [
        Quad(facing_frame((half, half, 0.0), (0.0, 0.0, 1.0)), (half, half), boards),
        Quad(facing_frame((half, half, height), (0.0, 0.0, -1.0)), (half, half), plain),
        Quad(facing_frame((0.0, half, mid), (1.0, 0.0, 0.0)), wall, bricks),
        Quad(facing_frame((half, 0.0, mid), (0.0, 1.0, 0.0)), wall, paint),
        Quad(facing_frame((side, half, mid), (-1.0, 0.0, 0.0)), wall, plain),
        Quad(facing_frame((half, side, mid), (0.0, -1.0, 0.0)), wall, plain),
        Box(
            standing_frame((0.012, half, 0.06)),
            (0.012, half, 0.06),
            Planks(draw_seed(rng), (0.82, 0.80, 0.76)),
        ),
        Box(
            standing_frame((half, 0.012, 0.06)),
            (half, 0.012, 0.06),
            Planks(draw_seed(rng), (0.82, 0.80, 0.76)),
        ),
    ]


def object_materials(rng: np.random.Generator, palette: Palette) -> list[Material]:
    """Eight materials in the palette's colours, dealt out anew by every scene."""
    light, accent, second, pale, dark = palette
    materials: list[Material] = [
        Mosaic(draw_seed(rng), palette, rng.uniform(0.10, 0.16)),
        Marble(draw_seed(rng), light, dark, rng.uniform(0.3, 0.5)),
        Terrazzo(draw_seed(rng), light, palette[1:], rng.uniform(0.05, 0.08)),
        Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.10, 0.9),
        Bricks(draw_seed(rng), second, light, (0.09, 0.09), 0.0),
        Marble(draw_seed(rng), accent, light, rng.uniform(0.2, 0.35)),
        Terrazzo(draw_seed(rng), dark, palette[:4], rng.uniform(0.04, 0.06)),
        Marble(draw_seed(rng), pale, dark, rng.uniform(0.2, 0.4)),
    ]
    return [materials[index] for index in rng.permutation(len(materials))]


def _furniture(rng: np.random.Generator, palette: Palette) -> list[Primitive]:
    """Boxes, cylinders and balls standing on the floor of the corner, on jittered places."""
    materials = object_materials(rng, palette)
    jitter, turn = rng.uniform(-0.09, 0.09, (8, 2)), rng.uniform(-35.0, 35.0, 8)
    stretch = rng.uniform(0.75, 1.15, 3)

    def at(index: int, x: float, y: float, z: float) -> Rigid:
        return standing_frame(
            (float(x + jitter[index, 0]), float(y + jitter[index, 1]), z), float(turn[index])
        )

    tall, stool, vase = 0.50 * float(stretch[0]), 0.22 * float(stretch[1]), 0.36 * float(stretch[2])
    return [
        Box(at(0, 0.58, 0.60, tall), (0.27, 0.29, tall), materials[0]),
        Cylinder(at(1, 0.60, 1.90, stool), 0.27, stool, materials[1]),
        Sphere(at(2, 1.30, 1.50, 0.31), 0.31, materials[2]),
        Box(at(3, 2.15, 1.40, 0.17), (0.21, 0.21, 0.17), materials[3]),
        Sphere(at(4, 1.50, 2.15, 0.16), 0.16, materials[4]),
        Box(at(5, 0.62, 2.75, 0.28), (0.22, 0.26, 0.28), materials[5]),
        Cylinder(at(6, 1.16, 0.86, vase), 0.13, vase, materials[6]),
        Sphere(at(7, 0.58, 0.60, 2 * tall + 0.15), 0.15, materials[7]),
    ]


def _sideboard(rng: np.random.Generator, palette: Palette) -> list[Primitive]:
    """A sideboard along the wall y = 0 with a row of books and a globe on it."""
    middle, half_length, top = (float(v) for v in rng.uniform([1.95, 0.52, 0.46], [2.25, 0.68, 0.68]))
    wood = Planks(draw_seed(rng), WOODS[int(rng.integers(4))], 0.11, 1.1)
    board = Box(standing_frame((middle, 0.36, top / 2)), (half_length, 0.25, top / 2), wood)
    books: list[Primitive] = []
    x = middle - 0.45 + float(rng.uniform(0.0, 0.1))
    for index in range(9):
        half_width, half_height = float(rng.uniform(0.015, 0.032)), float(rng.uniform(0.11, 0.17))
        x += half_width + 0.003
        cover = Marble(draw_seed(rng), palette[1 + index % 4], palette[0], 0.12)
        books.append(
            Box(standing_frame((x, 0.28, top + half_height)), (half_width, 0.10, half_height), cover)
        )
        x += half_width
    globe = Marble(draw_seed(rng), (0.34, 0.48, 0.56), (0.78, 0.72, 0.55), 0.25)
    return [board, *books, Sphere(standing_frame((middle + 0.33, 0.36, top + 0.15)), 0.15, globe)]


def _pictures(rng: np.random.Generator, palette: Palette) -> list[Primitive]:
    """Framed landscapes on the two walls of the corner, and a rug on the floor."""
    frame = Planks(draw_seed(rng), (0.34, 0.25, 0.19), 0.05, 0.6)
    rug = Box(
        standing_frame((1.75, 1.72, 0.006), 8.0), (0.95, 0.70, 0.006), Mosaic(draw_seed(rng), palette, 0.17)
    )
    out: list[Primitive] = [rug]
    hung: list[tuple[Vector, Vector, float, float]] = [
        ((0.04, 1.70, 1.55), (1.0, 0.0, 0.0), 0.52, 0.36),
        ((0.04, 3.00, 1.62), (1.0, 0.0, 0.0), 0.36, 0.27),
        ((0.95, 0.04, 1.75), (0.0, 1.0, 0.0), 0.26, 0.34),
        ((2.05, 0.04, 1.50), (0.0, 1.0, 0.0), 0.50, 0.34),
    ]
    order = rng.permutation(4)
    for index, ((x, y, z), normal, full_width, full_height) in enumerate(hung):
        along, up = (float(v) for v in rng.uniform([-0.12, -0.15], [0.12, 0.12]))
        half_width = full_width * float(rng.uniform(0.7, 1.0))
        half_height = full_height * float(rng.uniform(0.8, 1.0))
        centre = (x + along * normal[1], y + along * normal[0], z + up)
        canvas = Landscape(draw_seed(rng), PAINTINGS[int(order[index]) % len(PAINTINGS)], 2 * half_height)
        behind = tuple(c - 0.018 * n for c, n in zip(centre, normal, strict=True))
        border = (half_width + 0.04, half_height + 0.04, 0.017)
        out.append(Box(facing_frame((behind[0], behind[1], behind[2]), normal), border, frame))
        out.append(Quad(facing_frame(centre, normal), (half_width, half_height), canvas))
    return out
