"""Nearly plain walls and printed paper."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.blending import Color, fade, flat, mix, rgb, soft_step
from dust3r_sfm.synthetic.rendering.noise import fractal_noise, hash01


@dataclass(frozen=True)
class Faint:
    """A nearly plain surface, as paint or pale stone, whose shade varies by about `contrast` (a share) in
    features up to `size` metres; solid through the object."""

    seed: int
    color: Color
    contrast: float = 0.06
    size: float = 0.3


@dataclass(frozen=True)
class Poster:
    """Printed paper of `size` (width and height in metres) about u = v = 0: a picture in the inks over
    a headline and lines of text."""

    seed: int
    paper: Color
    inks: tuple[Color, ...]
    size: tuple[float, float]


def faint_color(m: Faint, local: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    cloud = fractal_noise(local, footprint, m.seed, m.size, 7, 0.8)
    pores = fractal_noise(local, footprint, m.seed + 1, m.size / 6, 3, 0.8)
    return rgb(m.color, local) * (1.0 + m.contrast * (cloud - 0.8 * (pores - 0.5).clamp_min(0.0)))


def poster_color(m: Poster, uv: Tensor, footprint: Tensor) -> Float[Tensor, "3 n"]:
    width, height = m.size
    shape = fractal_noise(flat(uv), footprint, m.seed, height / 3, 5, 0.55)
    detail = fractal_noise(flat(uv), footprint, m.seed + 1, height / 20, 4, 0.8)
    inks = uv.new_tensor(m.inks).T
    level = ((shape * 1.3 + 0.5) * len(m.inks)).floor().clamp(0, len(m.inks) - 1).long()
    picture = inks[:, level] * (0.9 + 0.35 * detail)
    paper = rgb(m.paper, uv).expand(3, uv.shape[1])
    text = _letters(uv, footprint, m.seed + 2, height / 34) * (uv[1] < -0.16 * height)
    head = _letters(uv, footprint, m.seed + 3, height / 11) * (
        uv[1].sub(-0.09 * height).abs() < 0.045 * height
    )
    printed = mix(paper, rgb(m.inks[-1], uv), 0.85 * torch.maximum(text, head))
    margin = torch.minimum(width / 2 - uv[0].abs(), height / 2 - uv[1].abs()) - 0.05 * height
    in_picture = soft_step(torch.minimum(uv[1], margin), footprint + 0.001)
    return mix(mix(paper, printed, (margin > 0.0).float()), picture, in_picture)


def _letters(uv: Tensor, footprint: Tensor, seed: int, pitch: float) -> Tensor:
    """How much ink: rows of words of block letters, `pitch` metres from line to line."""
    line = (uv[1] / pitch).floor()
    within = uv[1] / pitch - line
    stroke = torch.stack([(uv[0] / (0.22 * pitch)).floor(), line, (within * 4.0).floor()]).long()
    word = torch.stack([(uv[0] / (2.3 * pitch)).floor(), line]).long()
    ink = (hash01(stroke, seed) < 0.55) & (hash01(word, seed + 1) < 0.83) & (within < 0.72)
    seen = fade(0.35 * pitch, footprint)
    return ink * seen + 0.3 * (within < 0.72) * (1.0 - seen)
