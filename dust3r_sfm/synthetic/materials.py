"""What surfaces look like: procedural albedos from surface coordinates, detailed at many scales.

Colours are sRGB triples in [0, 1]; `albedo` gives linear light.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.noise import fractal_noise, hash01

Color = tuple[float, float, float]


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
class Print:
    """A printed or painted picture: flat regions of a palette, with outlines and paper grain."""

    seed: int
    palette: tuple[Color, ...]
    size: float = 0.3


@dataclass(frozen=True)
class Plaster:
    """A painted wall: faint stains, cracks and specks."""

    seed: int
    color: Color


Material = Planks | Bricks | Marble | Terrazzo | Print | Plaster


def albedo(
    material: Material, local: Float[Tensor, "n 3"], uv: Float[Tensor, "n 2"], footprint: Float[Tensor, " n"]
) -> Float[Tensor, "n 3"]:
    """Linear albedo in [0, 1] at surface points: `local` in the object's frame, `uv` along its surface,
    `footprint` the width of a pixel there, all in world units."""
    if isinstance(material, Planks):
        color = _planks(material, uv, footprint)
    elif isinstance(material, Bricks):
        color = _bricks(material, uv, footprint)
    elif isinstance(material, Marble):
        color = _marble(material, local, footprint)
    elif isinstance(material, Terrazzo):
        color = _terrazzo(material, uv, footprint)
    elif isinstance(material, Print):
        color = _print(material, uv, footprint)
    else:
        color = _plaster(material, local, footprint)
    return color.clamp(0.01, 1.0) ** 2.2


def _mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    return a + (b - a) * share[:, None]


def _flat(uv: Tensor, stretch: float = 1.0, layer: Tensor | float = 0.0) -> Tensor:
    """Noise coordinates for a surface: u squeezed by `stretch` (long features), its own `layer`."""
    return torch.stack([uv[:, 0] / stretch, uv[:, 1], torch.zeros_like(uv[:, 0]) + layer], dim=-1)


def _step(value: Tensor, softness: Tensor) -> Tensor:
    """0 below, 1 above zero; the edge is as wide as `softness` so that it does not alias."""
    return (value / softness + 0.5).clamp(0.0, 1.0)


def _planks(m: Planks, uv: Tensor, footprint: Tensor) -> Tensor:
    row = (uv[:, 1] / m.width).floor()
    shift = hash01(row.long()[:, None], m.seed)
    along = uv[:, 0] / m.length + shift
    cell = torch.stack([along.floor(), row], dim=-1).long()
    tone = hash01(cell, m.seed + 1)
    grain = fractal_noise(_flat(uv, 9.0, tone * 20.0), footprint, m.seed + 2, 0.05, 5, 0.75)
    knots = fractal_noise(_flat(uv, 2.0, tone * 20.0), footprint, m.seed + 3, 0.16, 5, 0.6)
    edge_v = (uv[:, 1] / m.width - row - 0.5).abs() * m.width - m.width / 2 + 0.004
    edge_u = (along - along.floor() - 0.5).abs() * m.length - m.length / 2 + 0.004
    gap = _step(torch.maximum(edge_v, edge_u), footprint + 0.002)
    tones = 0.72 + 0.5 * tone + 0.16 * grain + 0.10 * knots - 0.25 * _step(knots - 0.95, footprint * 20 + 0.1)
    return uv.new_tensor(m.color) * (tones * (1.0 - 0.75 * gap))[:, None]


def _bricks(m: Bricks, uv: Tensor, footprint: Tensor) -> Tensor:
    wobble = fractal_noise(_flat(uv), footprint, m.seed, 0.05, 3)
    row = (uv[:, 1] / m.size[1]).floor()
    along = uv[:, 0] / m.size[0] + m.stagger * torch.remainder(row, 2.0)
    cell = torch.stack([along.floor(), row], dim=-1).long()
    edge_v = m.size[1] / 2 - (uv[:, 1] / m.size[1] - row - 0.5).abs() * m.size[1]
    edge_u = m.size[0] / 2 - (along - along.floor() - 0.5).abs() * m.size[0]
    inside = _step(torch.minimum(edge_u, edge_v) - 0.006 + 0.003 * wobble, footprint + 0.003)
    tone = hash01(cell, m.seed + 1)
    detail = fractal_noise(_flat(uv, 1.0, tone * 20.0), footprint, m.seed + 2, 0.06, 5, 0.75)
    tint = uv.new_tensor([0.10, -0.02, -0.08]) * (hash01(cell, m.seed + 3) - 0.5)[:, None]
    face = (uv.new_tensor(m.color) + tint) * (0.72 + 0.5 * tone + 0.17 * detail)[:, None]
    mortar = uv.new_tensor(m.joint) * (0.9 + 0.12 * detail)[:, None]
    return _mix(mortar, face, inside)


def _marble(m: Marble, local: Tensor, footprint: Tensor) -> Tensor:
    warp = fractal_noise(local, footprint, m.seed, m.size, 4)
    warped = local + 0.35 * m.size * warp[:, None]
    cloud = fractal_noise(warped, footprint, m.seed + 1, m.size, 6, 0.7)
    ridge = fractal_noise(warped, footprint, m.seed + 2, m.size / 2, 5, 0.65)
    vein = (1.0 - ridge.abs() * 3.0).clamp(0.0, 1.0) ** 2
    body = local.new_tensor(m.color) * (0.85 + 0.25 * cloud)[:, None]
    return _mix(body, local.new_tensor(m.vein) * (0.9 + 0.2 * cloud)[:, None], 0.85 * vein)


def _terrazzo(m: Terrazzo, uv: Tensor, footprint: Tensor) -> Tensor:
    cell = (uv / m.size).floor().long()
    centre = torch.stack([hash01(cell, m.seed), hash01(cell, m.seed + 1)], dim=-1) * 0.4 + 0.3
    offset = uv / m.size - cell - centre
    rough = fractal_noise(_flat(uv), footprint, m.seed + 2, m.size / 2, 4, 0.6)
    radius = 0.12 + 0.26 * hash01(cell, m.seed + 3) + 0.09 * rough
    chip = _step((radius - offset.norm(dim=-1)) * m.size, footprint + 0.001)
    choice = (hash01(cell, m.seed + 4) * len(m.chips)).long()
    colors = uv.new_tensor(m.chips)[choice] * (0.95 + 0.12 * rough)[:, None]
    return _mix(uv.new_tensor(m.ground) * (0.95 + 0.10 * rough)[:, None], colors, chip)


def _print(m: Print, uv: Tensor, footprint: Tensor) -> Tensor:
    field = fractal_noise(_flat(uv), footprint, m.seed, m.size, 5, 0.5)
    level = (field * 0.32 + 0.5).clamp(0.0, 0.999) * len(m.palette) * 2
    band = level.floor()
    outline = 1.0 - _step((level - band - 0.5).abs() * -1.0 + 0.42, footprint * 8 / m.size + 0.02)
    grain = fractal_noise(_flat(uv), footprint, m.seed + 1, 0.02, 3, 0.7)
    colors = uv.new_tensor(m.palette)[torch.remainder(band.long(), len(m.palette))]
    return colors * ((1.0 - 0.6 * outline) * (0.97 + 0.08 * grain))[:, None]


def _plaster(m: Plaster, local: Tensor, footprint: Tensor) -> Tensor:
    stain = fractal_noise(local, footprint, m.seed, 0.7, 7, 0.72)
    speck = fractal_noise(local, footprint, m.seed + 1, 0.05, 4, 0.7)
    crack = (1.0 - fractal_noise(local, footprint, m.seed + 2, 0.5, 5, 0.55).abs() * 14.0).clamp(0.0, 1.0)
    dots = _step(speck - 0.75, footprint * 10 + 0.15)
    return local.new_tensor(m.color) * (0.92 + 0.09 * stain - 0.22 * dots - 0.15 * crack)[:, None]
