"""Small steps that all materials are made of. Coordinates come first ("3 n"); colours are sRGB in [0, 1]."""

import torch
from jaxtyping import Float
from torch import Tensor

Color = tuple[float, float, float]


def rgb(color: Color, like: Tensor) -> Float[Tensor, "3 1"]:
    return like.new_tensor(color)[:, None]


def mix(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """`a` where `share` is 0, `b` where it is 1."""
    return a + (b - a) * share


def flat(uv: Tensor, stretch: float = 1.0, layer: Tensor | float = 0.0) -> Tensor:
    """Noise coordinates for a surface: u squeezed by `stretch` (long features), its own `layer`."""
    return torch.stack([uv[0] / stretch, uv[1], torch.zeros_like(uv[0]) + layer])


def soft_step(value: Tensor, softness: Tensor) -> Tensor:
    """0 below, 1 above zero; the edge is as wide as `softness` so that it does not alias."""
    return (value / softness + 0.5).clamp(0.0, 1.0)


def fade(size: float, footprint: Tensor) -> Tensor:
    """1 where features `size` wide can be seen, 0 where a pixel (`footprint`) holds one or more of them."""
    return (size / footprint - 1.0).clamp(0.0, 1.0)
