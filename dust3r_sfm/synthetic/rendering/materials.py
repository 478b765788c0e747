"""What surfaces look like: procedural albedos from surface coordinates, detailed at many scales.

Colours are sRGB triples in [0, 1]; `albedo` gives linear light. Coordinates come first ("3 n").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.blending import Color, flat, mix, rgb, soft_step
from dust3r_sfm.synthetic.rendering.indoor_materials import Faint, Poster, faint_color, poster_color
from dust3r_sfm.synthetic.rendering.noise import fractal_noise, hash01
from dust3r_sfm.synthetic.rendering.outdoor_materials import (
    Grass,
    Gravel,
    Landscape,
    Leaves,
    Windows,
    grass_color,
    gravel_color,
    landscape_color,
    leaf_color,
    window_color,
)
from dust3r_sfm.synthetic.rendering.vectors import length


@dataclass(frozen=True)
class Planks:
    """Wooden boards along u, with grain, knots and dark gaps."""

    seed: int
    color: Color
    width: float = 0.14
    length: float = 1.3


@dataclass(frozen=True)
class Bricks:
    """Courses of bricks (or tiles, with `stagger` 0), each of its own tone, in pale joints."""

    seed: int
    color: Color
    joint: Color
    size: tuple[float, float] = (0.24, 0.08)
    stagger: float = 0.5


@dataclass(frozen=True)
class Marble:
    """Veined and blotched stone, solid through the object."""

    seed: int
    color: Color
    vein: Color
    size: float = 0.4


@dataclass(frozen=True)
class Terrazzo:
    """Chips of several colours in a ground, one for each grid cell."""

    seed: int
    ground: Color
    chips: tuple[Color, ...]
    size: float = 0.05


@dataclass(frozen=True)
class Mosaic:
    """Woven or printed tiles, each with a disc, quarter disc, diamond or stripes in two palette colours."""

    seed: int
    palette: tuple[Color, ...]
    size: float = 0.12


@dataclass(frozen=True)
class Plaster:
    """A painted wall: faint stains, cracks and specks."""

    seed: int
    color: Color


@dataclass(frozen=True)
class Repeated:
    """Another material that looks exactly the same in every cell of `pitch` (metres along u and v)."""

    material: "Material"
    pitch: tuple[float, float]


@dataclass(frozen=True)
class Glowing:
    """Another material that sends its own light, as a lamp, a screen or a view through a window does."""

    material: "Material"


Plain = Planks | Bricks | Marble | Terrazzo | Mosaic | Landscape | Plaster
Material = Plain | Faint | Poster | Gravel | Grass | Leaves | Windows | Repeated | Glowing


_Color = Callable[[Any, Tensor, Tensor], Tensor]


def albedo(
    material: Material, local: Float[Tensor, "3 n"], uv: Float[Tensor, "2 n"], footprint: Float[Tensor, " n"]
) -> Float[Tensor, "3 n"]:
    """Linear albedo in [0, 1] at surface points: `local` in the object's frame, `uv` along its surface,
    `footprint` the width of a pixel there, all in world units."""
    if isinstance(material, Repeated):
        uv = torch.remainder(uv, uv.new_tensor(material.pitch)[:, None])
        return albedo(material.material, flat(uv), uv, footprint)
    if isinstance(material, Glowing):
        return albedo(material.material, local, uv, footprint)
    return _srgb(material, local, uv, footprint).clamp(0.01, 1.0) ** 2.2


def _srgb(material: Material, local: Tensor, uv: Tensor, footprint: Tensor) -> Tensor:
    """The colour of materials that are not made of others."""
    on_surface: dict[type, _Color] = {
        Planks: _planks,
        Bricks: _bricks,
        Terrazzo: _terrazzo,
        Mosaic: _mosaic,
        Landscape: landscape_color,
        Poster: poster_color,
        Gravel: gravel_color,
        Grass: grass_color,
        Windows: window_color,
    }
    solid: dict[type, _Color] = {
        Marble: _marble,
        Plaster: _plaster,
        Faint: faint_color,
        Leaves: leaf_color,
    }
    kind = type(material)
    if kind in solid:
        return solid[kind](material, local, footprint)
    return on_surface[kind](material, uv, footprint)


def _planks(m: Planks, uv: Tensor, footprint: Tensor) -> Tensor:
    row = (uv[1] / m.width).floor()
    along = uv[0] / m.length + hash01(row.long()[None], m.seed)
    cell = torch.stack([along.floor(), row]).long()
    tone = hash01(cell, m.seed + 1)
    grain = fractal_noise(flat(uv, 9.0, tone * 20.0), footprint, m.seed + 2, 0.05, 5, 0.75)
    knots = fractal_noise(flat(uv, 2.0, tone * 20.0), footprint, m.seed + 3, 0.16, 4, 0.6)
    edge_v = (uv[1] / m.width - row - 0.5).abs() * m.width - m.width / 2 + 0.004
    edge_u = (along - along.floor() - 0.5).abs() * m.length - m.length / 2 + 0.004
    gap = soft_step(torch.maximum(edge_v, edge_u), footprint + 0.002)
    knot = soft_step(knots - 0.65, footprint * 20 + 0.1)
    tones = 0.78 + 0.34 * tone + 0.28 * grain + 0.12 * knots - 0.25 * knot
    return rgb(m.color, uv) * tones * (1.0 - 0.7 * gap)


def _bricks(m: Bricks, uv: Tensor, footprint: Tensor) -> Tensor:
    wobble = fractal_noise(flat(uv), footprint, m.seed, 0.05, 2)
    row = (uv[1] / m.size[1]).floor()
    along = uv[0] / m.size[0] + m.stagger * torch.remainder(row, 2.0)
    cell = torch.stack([along.floor(), row]).long()
    edge_v = m.size[1] / 2 - (uv[1] / m.size[1] - row - 0.5).abs() * m.size[1]
    edge_u = m.size[0] / 2 - (along - along.floor() - 0.5).abs() * m.size[0]
    inside = soft_step(torch.minimum(edge_u, edge_v) - 0.006 + 0.005 * wobble, footprint + 0.003)
    tone = hash01(cell, m.seed + 1)
    detail = fractal_noise(flat(uv, 1.0, tone * 20.0), footprint, m.seed + 2, 0.06, 4, 0.75)
    tint = rgb((0.10, -0.02, -0.08), uv) * (hash01(cell, m.seed + 3) - 0.5)
    face = (rgb(m.color, uv) + tint) * (0.75 + 0.42 * tone + 0.30 * detail)
    mortar = rgb(m.joint, uv) * (0.9 + 0.25 * detail)
    return mix(mortar, face, inside)


def _marble(m: Marble, local: Tensor, footprint: Tensor) -> Tensor:
    warp = fractal_noise(local, footprint, m.seed, m.size, 3)
    warped = local + 0.5 * m.size * warp
    cloud = fractal_noise(warped, footprint, m.seed + 1, m.size, 6, 0.7)
    ridge = fractal_noise(warped, footprint, m.seed + 2, m.size / 2, 4, 0.65)
    vein = (1.0 - ridge.abs() * 5.0).clamp(0.0, 1.0) ** 2
    body = rgb(m.color, local) * (0.85 + 0.45 * cloud)
    return mix(body, rgb(m.vein, local) * (0.9 + 0.4 * cloud), 0.85 * vein)


def _terrazzo(m: Terrazzo, uv: Tensor, footprint: Tensor) -> Tensor:
    cell = (uv / m.size).floor().long()
    centre = torch.stack([hash01(cell, m.seed), hash01(cell, m.seed + 1)]) * 0.4 + 0.3
    offset = uv / m.size - cell - centre
    rough = fractal_noise(flat(uv), footprint, m.seed + 2, m.size / 2, 4, 0.6)
    radius = 0.12 + 0.26 * hash01(cell, m.seed + 3) + 0.16 * rough
    chip = soft_step((radius - length(offset)) * m.size, footprint + 0.001)
    choice = (hash01(cell, m.seed + 4) * len(m.chips)).long()
    colors = uv.new_tensor(m.chips).T[:, choice] * (0.95 + 0.2 * rough)
    return mix(rgb(m.ground, uv) * (0.95 + 0.2 * rough), colors, chip)


def _mosaic(m: Mosaic, uv: Tensor, footprint: Tensor) -> Tensor:
    cell = (uv / m.size).floor().long()
    x, y = (uv / m.size - cell - 0.5) * m.size
    kind = hash01(cell, m.seed) * 4.0
    corner = length(torch.stack([x + m.size / 2, y + m.size / 2]))
    inside = torch.where(kind < 1.0, 0.36 * m.size - length(torch.stack([x, y])), 0.78 * m.size - corner)
    inside = torch.where(kind >= 2.0, 0.44 * m.size - x.abs() - y.abs(), inside)
    inside = torch.where(kind >= 3.0, torch.sin((x + y) * (18.8 / m.size)) * m.size * 0.06, inside)
    palette, count = uv.new_tensor(m.palette).T, len(m.palette)
    ground = (hash01(cell, m.seed + 1) * count).long()
    figure = torch.remainder(ground + 1 + (hash01(cell, m.seed + 2) * (count - 1)).long(), count)
    weave = fractal_noise(flat(uv), footprint, m.seed + 3, 0.16, 6, 0.8)
    color = mix(palette[:, ground], palette[:, figure], soft_step(inside, footprint + 0.002))
    return color * (0.95 + 0.22 * weave)


def _plaster(m: Plaster, local: Tensor, footprint: Tensor) -> Tensor:
    stain = fractal_noise(local, footprint, m.seed, 0.7, 7, 0.8)
    speck = fractal_noise(local, footprint, m.seed + 1, 0.07, 3, 0.7)
    dots = soft_step(speck - 0.62, footprint * 10 + 0.15)
    return rgb(m.color, local) * (0.95 + 0.22 * stain - 0.14 * dots)
