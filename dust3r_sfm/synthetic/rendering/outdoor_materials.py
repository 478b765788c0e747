"""Hills, ground, leaves and windows: surfaces seen from far off, too, so that all detail fades out."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.blending import Color, fade, flat, mix, rgb, soft_step
from dust3r_sfm.synthetic.rendering.noise import fractal_noise, hash01
from dust3r_sfm.synthetic.rendering.vectors import length


@dataclass(frozen=True)
class Landscape:
    """A painting: hills behind hills under a sky, in a picture about `height` high; palette from sky
    to foreground."""

    seed: int
    palette: tuple[Color, ...]
    height: float


@dataclass(frozen=True)
class Gravel:
    """Stones of two sizes, the larger `size` metres apart, with worn and damp patches."""

    seed: int
    color: Color
    size: float = 0.07


@dataclass(frozen=True)
class Grass:
    """Mown grass with dry patches, clover and a few daisies."""

    seed: int
    color: Color
    dry: Color


@dataclass(frozen=True)
class Leaves:
    """Foliage: leaves of about `size` metres, lit and dark, solid through the object."""

    seed: int
    color: Color
    size: float = 0.09


@dataclass(frozen=True)
class Windows:
    """Panes in frames with curtains, `size` wide and high, one in each cell of `pitch` (both metres), all
    of them exactly equal; the cell in the middle is about u = v = 0."""

    seed: int
    pitch: tuple[float, float]
    size: tuple[float, float]
    frame: Color
    curtain: Color


def gravel_color(m: Gravel, uv: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    patches = fractal_noise(flat(uv), footprint, m.seed, 2.7, 6, 0.75)
    grit = fractal_noise(flat(uv), footprint, m.seed + 1, m.size / 2, 3, 0.8)
    color = rgb(m.color, uv) * (0.80 + 0.25 * patches + 0.20 * grit)
    for layer, size in enumerate((0.43 * m.size, m.size)):
        stone, tone = _stones(uv, footprint, m.seed + 10 * layer, size)
        warm = rgb((0.05, 0.0, -0.06), uv) * (2.0 * torch.remainder(7.0 * tone, 1.0) - 1.0)
        face = (rgb(m.color, uv) + warm) * (0.62 + 0.75 * tone + 0.15 * grit)
        color = mix(color, face, stone * fade(size, footprint))
    return color


def _stones(uv: Tensor, footprint: Tensor, seed: int, size: float) -> tuple[Tensor, Tensor]:
    """How much of a stone, and its tone, at each place: one in most cells."""
    cell = (uv / size).floor().long()
    centre = torch.stack([hash01(cell, seed + 3), hash01(cell, seed + 4)]) * 0.36 + 0.32
    offset = (uv / size - cell - centre) * size
    turn = hash01(cell, seed + 5)
    squeezed = torch.stack([offset[0] * (0.8 + 0.5 * turn), offset[1] * (1.3 - 0.5 * turn)])
    radius = size * (0.10 + 0.30 * hash01(cell, seed + 6))
    return soft_step(radius - length(squeezed), footprint + 0.1 * size), hash01(cell, seed + 7)


def grass_color(m: Grass, uv: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    patches = fractal_noise(flat(uv), footprint, m.seed, 3.4, 7, 0.8)
    blades = fractal_noise(flat(uv, 0.6), footprint, m.seed + 1, 0.16, 5, 1.0)
    clover = soft_step(fractal_noise(flat(uv), footprint, m.seed + 2, 0.8, 5) - 0.35, 0.15 + footprint)
    color = mix(rgb(m.color, uv), rgb(m.dry, uv), (0.45 + 0.9 * patches).clamp(0.0, 1.0))
    color = color * (0.85 + 0.85 * blades + 0.2 * patches).clamp_min(0.2)
    color = mix(color, rgb((0.22, 0.36, 0.16), uv) * (0.9 + 0.6 * blades), 0.7 * clover)
    flower, tone = _stones(uv, footprint, m.seed + 20, 0.10)
    daisy = flower * (tone < 0.05 + 0.08 * patches) * fade(0.05, footprint)
    return mix(color, rgb((0.88, 0.87, 0.78), uv), daisy * (blades > -0.25))


def leaf_color(m: Leaves, local: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    clumps = fractal_noise(local, footprint, m.seed, 5.0 * m.size, 3, 0.7)
    leaves = fractal_noise(local, footprint, m.seed + 1, m.size, 3, 0.85)
    lit = (0.72 + 0.7 * clumps + 1.1 * leaves).clamp(0.12, 1.9)
    return rgb(m.color, local) * lit + rgb((0.10, 0.06, -0.02), local) * leaves.clamp_min(0.0)


def window_color(m: Windows, uv: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    pitch = uv.new_tensor(m.pitch)[:, None]
    x, y = torch.remainder(uv + pitch / 2, pitch) - pitch / 2
    half_width, half_height = m.size[0] / 2, m.size[1] / 2
    inside = torch.stack([x, y])
    folds = torch.sin(x * (6.28 / 0.11) + 2.0 * fractal_noise(flat(inside), footprint, m.seed, 0.4, 3))
    weave = fractal_noise(flat(inside), footprint, m.seed + 1, 0.12, 5, 0.8)
    glass = rgb((0.20, 0.24, 0.28), uv) * (0.8 + 0.5 * (y / half_height) + 0.5 * weave)
    drawn = soft_step(x.abs() - half_width * (0.62 - 0.25 * y / half_height), footprint + 0.01)
    drape = rgb(m.curtain, uv) * (0.78 + 0.10 * folds * fade(0.05, footprint) + 0.25 * weave)
    color = mix(glass, drape, drawn)
    bar = torch.minimum((x - 0.05 * half_width).abs(), (y - 0.42 * half_height).abs()) - 0.025
    border = torch.minimum(half_width - x.abs(), half_height - y.abs()) - 0.06
    wood = rgb(m.frame, uv) * (0.95 + 0.22 * weave)
    return mix(color, wood, soft_step(-torch.minimum(bar, border), footprint + 0.002))


def landscape_color(m: Landscape, uv: Tensor, footprint: Tensor) -> Tensor:
    palette = uv.new_tensor(m.palette).T
    brush = fractal_noise(flat(uv, 3.0), footprint, m.seed, 0.05, 5, 0.75)
    cloud = fractal_noise(flat(uv, 3.0), footprint, m.seed + 1, m.height / 4, 4)
    level = uv[1] / m.height + 0.5
    color = palette[:, :1] * (0.75 + 0.3 * level) + 0.22 * cloud.clamp_min(0.0)
    layers = len(m.palette) - 1
    for layer in range(layers):
        ridge = fractal_noise(
            flat(torch.stack([uv[0], 0.0 * uv[1]]), 1.0, 3.1 * layer),
            footprint,
            m.seed + 2,
            m.height / 2,
            5,
            0.5,
        )
        top = 0.78 - 0.72 * layer / layers + (0.34 - 0.18 * layer / layers) * ridge
        shade = 0.8 + 0.25 * (level - top + 0.5)
        color = mix(
            color, palette[:, layer + 1 : layer + 2] * shade, soft_step((top - level) * m.height, footprint)
        )
    return color * (1.0 + 0.3 * brush)
