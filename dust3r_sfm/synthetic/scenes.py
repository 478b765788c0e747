"""Descriptions of scenes: primitives, a light, and what cameras should look at. World: z up, metres."""

from dataclasses import dataclass

import numpy as np

from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.synthetic.materials import (
    Bricks,
    Color,
    Marble,
    Material,
    Planks,
    Plaster,
    Print,
    Terrazzo,
)
from dust3r_sfm.synthetic.primitives import Box, Cylinder, Primitive, Quad, Sphere
from dust3r_sfm.types import Rigid

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class SceneDescription:
    """Everything a renderer needs to know. `centre` is the point to look at, `facing_deg` the azimuth
    (about z, from x) on which cameras see it from the front, `light` the position of the lamp."""

    primitives: tuple[Primitive, ...]
    centre: Vector
    facing_deg: float
    light: Vector


def _placed(centre: Vector, turn_deg: float = 0.0) -> Rigid:
    return rigid(rotation_from_vector(np.array([0.0, 0.0, np.radians(turn_deg)])), np.array(centre))


def _facing(centre: Vector, normal: Vector) -> Rigid:
    """A quad's frame: its z along `normal`; x horizontal and y up, where the normal is horizontal."""
    z = np.array(normal, dtype=float)
    x = np.array([1.0, 0.0, 0.0]) if abs(z[2]) > 0.5 else np.cross([0.0, 0.0, 1.0], z)
    return rigid(np.stack([x, np.cross(z, x), z], axis=-1), np.array(centre, dtype=float))


def _color(rng: np.random.Generator, low: float, high: float, saturation: float) -> Color:
    grey = rng.uniform(low, high)
    red, green, blue = np.clip(grey + saturation * rng.uniform(-1.0, 1.0, 3), 0.05, 0.95)
    return float(red), float(green), float(blue)


def _palette(rng: np.random.Generator, count: int) -> tuple[Color, ...]:
    return tuple(_color(rng, 0.25, 0.75, 0.28) for _ in range(count))


def _object_material(rng: np.random.Generator, kind: int) -> Material:
    seed = int(rng.integers(1, 1 << 20))
    if kind % 5 == 0:
        return Print(seed, _palette(rng, 5), rng.uniform(0.15, 0.35))
    if kind % 5 == 1:
        return Marble(seed, _color(rng, 0.6, 0.8, 0.12), _color(rng, 0.15, 0.35, 0.1), rng.uniform(0.25, 0.5))
    if kind % 5 == 2:
        return Terrazzo(seed, _color(rng, 0.6, 0.8, 0.1), _palette(rng, 5), rng.uniform(0.05, 0.09))
    if kind % 5 == 3:
        return Planks(seed, _color(rng, 0.5, 0.65, 0.12), 0.09, 0.9)
    return Bricks(seed, _color(rng, 0.4, 0.6, 0.2), _color(rng, 0.7, 0.85, 0.05), (0.10, 0.10), 0.0)


def _shell(rng: np.random.Generator, side: float, height: float) -> list[Primitive]:
    """Floor, ceiling and four walls of the room [0, side]^2 x [0, height], facing inwards."""
    seeds = [int(s) for s in rng.integers(1, 1 << 20, 6)]
    half, mid, up = side / 2, height / 2, (half_size := (side / 2, height / 2))
    brick = Bricks(seeds[1], _color(rng, 0.45, 0.6, 0.15), _color(rng, 0.7, 0.8, 0.04))
    plaster = Plaster(seeds[2], _color(rng, 0.65, 0.8, 0.12))
    far = Plaster(seeds[3], _color(rng, 0.65, 0.8, 0.08))
    return [
        Quad(
            _facing((half, half, 0.0), (0, 0, 1)),
            (half, half),
            Planks(seeds[0], _color(rng, 0.5, 0.62, 0.12)),
        ),
        Quad(_facing((half, half, height), (0, 0, -1)), (half, half), Plaster(seeds[4], (0.85, 0.85, 0.83))),
        Quad(_facing((0.0, half, mid), (1, 0, 0)), up, brick),
        Quad(_facing((half, 0.0, mid), (0, 1, 0)), half_size, plaster),
        Quad(_facing((side, half, mid), (-1, 0, 0)), half_size, far),
        Quad(_facing((half, side, mid), (0, -1, 0)), half_size, far),
    ]


def _furniture(rng: np.random.Generator) -> list[Primitive]:
    """Boxes, cylinders and balls standing on the floor of the corner, on jittered places."""
    kinds = [int(k) for k in rng.permutation(5)]
    materials = [_object_material(rng, k) for k in kinds + kinds]
    jitter = rng.uniform(-0.08, 0.08, (8, 2))
    turn = rng.uniform(-25.0, 25.0, 8)
    heights = rng.uniform(0.85, 1.15, 8)

    def at(index: int, x: float, y: float, z: float) -> Rigid:
        return _placed((x + jitter[index, 0], y + jitter[index, 1], z), turn[index])

    tall, chest, stool = 0.55 * heights[0], 0.26 * heights[1], 0.22 * heights[2]
    return [
        Box(at(0, 0.62, 0.62, tall), (0.28, 0.30, tall), materials[0]),
        Box(at(1, 1.95, 0.60, chest), (0.42, 0.27, chest), materials[1]),
        Cylinder(at(2, 0.62, 1.85, stool), 0.27, stool, materials[2]),
        Sphere(at(3, 1.38, 1.45, 0.30), 0.30, materials[3]),
        Box(at(4, 2.15, 1.55, 0.16), (0.20, 0.20, 0.16), materials[4]),
        Sphere(at(5, 1.45, 2.20, 0.17), 0.17, materials[5]),
        Box(at(6, 0.75, 2.60, 0.30), (0.20, 0.26, 0.30), materials[6]),
        Cylinder(at(7, 1.05, 1.08, 0.42), 0.12, 0.42, materials[7]),
    ]


def _pictures(rng: np.random.Generator) -> list[Primitive]:
    """Framed prints on the two walls of the corner, and a rug."""
    prints = [
        Print(int(rng.integers(1, 1 << 20)), _palette(rng, 6), rng.uniform(0.25, 0.5)) for _ in range(4)
    ]
    return [
        Box(_placed((0.02, 1.75, 1.55)), (0.02, 0.50, 0.36), prints[0]),
        Box(_placed((1.55, 0.02, 1.50)), (0.34, 0.02, 0.46), prints[1]),
        Box(_placed((2.70, 0.02, 1.62)), (0.42, 0.02, 0.32), prints[2]),
        Box(_placed((1.75, 1.75, 0.006), 12.0), (0.95, 0.70, 0.006), prints[3]),
    ]


def room_scene(seed: int) -> SceneDescription:
    """The corner of a furnished, closed room: every ray from inside hits something.

    Another seed gives other textures, colours and proportions: a place that shares nothing with it.
    """
    rng = np.random.default_rng(seed)
    primitives = _shell(rng, 6.0, 2.9) + _furniture(rng) + _pictures(rng)
    return SceneDescription(tuple(primitives), (1.3, 1.3, 0.65), 45.0, (2.9, 3.3, 2.6))


def plane_scene(seed: int) -> SceneDescription:
    """One upright textured rectangle, 12 x 12 m, in the plane x = 0: a homography between any two views."""
    rng = np.random.default_rng(seed)
    material = Marble(int(rng.integers(1, 1 << 20)), _color(rng, 0.5, 0.7, 0.15), _color(rng, 0.1, 0.3, 0.1))
    wall = Quad(_facing((0.0, 0.0, 0.0), (1, 0, 0)), (6.0, 6.0), material)
    return SceneDescription((wall,), (0.0, 0.0, 0.0), 0.0, (6.0, 1.0, 2.0))
