"""What is infinitely far: sky, clouds, and hills and trees along the horizon."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.blending import Color, mix, rgb, soft_step
from dust3r_sfm.synthetic.rendering.noise import fractal_noise
from dust3r_sfm.synthetic.rendering.vectors import length


@dataclass(frozen=True)
class Sky:
    """Colours are sRGB. `ridge_deg`: how high the farthest hills stand, `haze_m`: the distance over which
    two thirds of a surface's own colour are lost."""

    seed: int
    zenith: Color = (0.36, 0.54, 0.80)
    horizon: Color = (0.80, 0.86, 0.92)
    hills: Color = (0.50, 0.58, 0.66)
    trees: Color = (0.24, 0.32, 0.22)
    ridge_deg: float = 5.0
    haze_m: float = 1200.0


def sky_color(sky: Sky, directions: Float[Tensor, "3 n"], pixel_angle: float) -> Float[Tensor, "3 n"]:
    """Linear light from world `directions` (z up, any length)."""
    x, y, z = directions / length(directions)
    level = z.clamp_min(0.0)
    color = mix(rgb(sky.horizon, z), rgb(sky.zenith, z), (level**0.5).clamp(0.0, 1.0))
    plane = torch.stack([x, y, torch.zeros_like(x)]) / (level + 0.22)
    angle = torch.full_like(z, pixel_angle)
    cloud = fractal_noise(plane, angle / (level + 0.22), sky.seed, 1.1, 7, 0.65)
    cover = (1.9 * cloud - 0.1).clamp(0.0, 1.0) * (level * 12.0).clamp(0.0, 1.0)
    color = mix(color, rgb((0.97, 0.97, 0.98), z) * (1.0 - 0.16 * cloud.clamp_min(0.0)), 0.85 * cover)
    around = torch.stack([x, y, torch.zeros_like(x)]) / (x * x + y * y).sqrt().clamp_min(1e-6)
    for layer, (tint, share) in enumerate(((sky.hills, 1.0), (sky.trees, 0.55))):
        seed = sky.seed + 10 * (layer + 1)
        rough = fractal_noise(around, angle, seed, 0.9 - 0.3 * layer, 6 + layer, 0.5 + 0.12 * layer)
        top = torch.sin(angle.new_tensor(sky.ridge_deg * share * 0.017453)) * (0.65 + 0.55 * rough)
        inner = fractal_noise(torch.stack([x, y, 2.0 * z]), angle, seed + 1, 0.09, 6, 0.8)
        face = rgb(tint, z) * (0.95 + (0.25 + 0.3 * layer) * inner)
        color = mix(color, face, soft_step(top - z, angle))
    return color.clamp(0.01, 1.0) ** 2.2


def add_haze(sky: Sky, color: Float[Tensor, "3 n"], far_m: Float[Tensor, " n"]) -> Float[Tensor, "3 n"]:
    """Linear colours as they look through `far_m` metres of air."""
    return mix(color, rgb(sky.horizon, color) ** 2.2, 1.0 - torch.exp(-far_m / sky.haze_m))
