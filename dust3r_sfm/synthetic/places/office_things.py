"""Desks and tables as offices have them: much alike."""

import numpy as np

from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.indoor_materials import Faint, Poster
from dust3r_sfm.synthetic.rendering.lights import Vector
from dust3r_sfm.synthetic.rendering.materials import Glowing, Marble, Planks, Terrazzo
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad
from dust3r_sfm.synthetic.scenes import PALETTES

BIRCH = (0.76, 0.68, 0.54)


class _Frame:
    """Positions from a thing's own x (right), y (away from who sits there) and z."""

    def __init__(self, middle: tuple[float, float], turn_deg: float) -> None:
        self.middle, self.turn_deg = middle, turn_deg
        self.cos, self.sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))

    def at(self, x: float, y: float, z: float) -> Vector:
        return (self.middle[0] + self.cos * x - self.sin * y, self.middle[1] + self.sin * x + self.cos * y, z)

    def box(self, centre: Vector, half: Vector, material: Planks | Faint | Marble) -> Box:
        return Box(standing_frame(self.at(*centre), self.turn_deg), half, material)


def desk(rng: np.random.Generator, middle: tuple[float, float], turn_deg: float) -> list[Primitive]:
    """A desk with a screen, a keyboard, papers, a mug and books, and a chair before it. Who sits there faces
    negative y before the turn."""
    frame = _Frame(middle, turn_deg)
    wood = Planks(draw_seed(rng), BIRCH, 0.35, 1.7)
    dark = Faint(draw_seed(rng), (0.16, 0.16, 0.17), 0.15, 0.1)
    size = (0.56, 0.32)
    page = Glowing(Poster(draw_seed(rng), (0.20, 0.24, 0.32), PALETTES[int(rng.integers(4))], size))
    x, y = (float(v) for v in rng.uniform(-0.12, 0.12, 2))
    normal = (float(-frame.sin), float(frame.cos), 0.0)
    out: list[Primitive] = [
        frame.box((0.0, 0.0, 0.72), (0.72, 0.36, 0.015), wood),
        frame.box((-0.69, 0.0, 0.355), (0.015, 0.32, 0.35), wood),
        frame.box((0.52, 0.0, 0.355), (0.19, 0.32, 0.35), wood),
        frame.box((x, -0.2, 1.0), (0.30, 0.02, 0.18), dark),
        Quad(facing_frame(frame.at(x, -0.178, 1.0), normal), (size[0] / 2, size[1] / 2), page),
        frame.box((x, -0.2, 0.78), (0.03, 0.03, 0.05), dark),
        frame.box((x, 0.08 + 0.3 * y, 0.742), (0.21, 0.07, 0.008), dark),
    ]
    return out + _papers(rng, frame) + chair(rng, frame, float(rng.uniform(-0.2, 0.2)), 0.75)


def _papers(rng: np.random.Generator, frame: _Frame) -> list[Primitive]:
    palette = PALETTES[int(rng.integers(4))]
    sheet = Poster(draw_seed(rng), (0.93, 0.92, 0.90), palette, (0.21, 0.297))
    mug = Terrazzo(draw_seed(rng), palette[1], palette[2:], 0.03)
    side = float(rng.choice([-1.0, 1.0]))
    out: list[Primitive] = [
        Quad(facing_frame(frame.at(side * 0.42, 0.1, 0.737), (0.0, 0.0, 1.0)), (0.105, 0.148), sheet),
        Cylinder(standing_frame(frame.at(-side * 0.45, 0.0, 0.785)), 0.04, 0.05, mug),
    ]
    for k in range(3):
        cover = Marble(draw_seed(rng), palette[k], palette[4 - k], 0.1)
        out.append(
            frame.box(
                (side * 0.55 + 0.01 * k, -0.18, 0.752 + 0.032 * k), (0.1 - 0.01 * k, 0.13, 0.016), cover
            )
        )
    return out


def chair(rng: np.random.Generator, frame: _Frame, x: float, y: float) -> list[Primitive]:
    cloth = Faint(
        draw_seed(rng),
        ((0.24, 0.30, 0.38), (0.42, 0.24, 0.22), (0.25, 0.33, 0.28))[int(rng.integers(3))],
        0.3,
        0.05,
    )
    steel = Faint(draw_seed(rng), (0.45, 0.45, 0.46), 0.1)
    return [
        Cylinder(standing_frame(frame.at(x, y, 0.22)), 0.03, 0.22, steel),
        Cylinder(standing_frame(frame.at(x, y, 0.03)), 0.26, 0.02, steel),
        Cylinder(standing_frame(frame.at(x, y, 0.46)), 0.24, 0.035, cloth),
        frame.box((x, y + 0.23, 0.78), (0.22, 0.025, 0.22), cloth),
    ]


def meeting_table(rng: np.random.Generator, middle: tuple[float, float]) -> list[Primitive]:
    """A long table with six chairs and a few papers."""
    frame = _Frame(middle, 0.0)
    wood = Planks(draw_seed(rng), BIRCH, 0.4, 2.0)
    out: list[Primitive] = [frame.box((0.0, 0.0, 0.72), (1.1, 0.5, 0.02), wood)]
    out += [frame.box((s * 0.8, 0.0, 0.35), (0.03, 0.35, 0.35), wood) for s in (-1, 1)]
    for x in (-0.7, 0.0, 0.7):
        out += chair(rng, frame, x + float(rng.uniform(-0.1, 0.1)), 0.75)
        other = _Frame(middle, 180.0)
        out += chair(rng, other, x + float(rng.uniform(-0.1, 0.1)), 0.75)
    sheet = Poster(draw_seed(rng), (0.93, 0.92, 0.90), PALETTES[int(rng.integers(4))], (0.21, 0.297))
    out.append(Quad(facing_frame(frame.at(0.3, 0.1, 0.742), (0.0, 0.0, 1.0)), (0.105, 0.148), sheet))
    return out + _papers(rng, _Frame((middle[0] - 0.4, middle[1]), 0.0))
