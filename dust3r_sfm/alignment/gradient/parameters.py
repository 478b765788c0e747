"""What is descended on, in the published parametrisation: it decides how far a step of Adam goes.

Rotations are quaternions (x, y, z, w) of any length; translations are sign(t) log(1 + |t|); focals and
adaptors are logs, and principal points pixels, each times a constant that slows or speeds it.
"""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

FOCAL_STEPS, ADAPTOR_STEPS, CENTRE_STEPS = 20.0, 20.0, 0.1


@dataclass(frozen=True)
class Parameters:
    """`view_*` are world_from_cam; `pair_*` world_from_pair, [s R, s t]; `log_depth` is padded to the
    largest view; `centre` is CENTRE_STEPS times the principal point's offset from where it was given."""

    view_quaternion: Float[Tensor, "n 4"]
    view_translation: Float[Tensor, "n 3"]
    log_depth: Float[Tensor, "n p"]
    focal: Float[Tensor, " n"]
    centre: Float[Tensor, "n 2"]
    pair_quaternion: Float[Tensor, "e 4"]
    pair_translation: Float[Tensor, "e 3"]
    pair_log_scale: Float[Tensor, " e"]
    adaptor: Float[Tensor, "e 2"]

    def tensors(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]


def rotation(quaternion: Float[Tensor, "k 4"]) -> Float[Tensor, "k 3 3"]:
    x, y, z, w = torch.nn.functional.normalize(quaternion, dim=-1).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], dim=-1),
        torch.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], dim=-1),
        torch.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], dim=-1),
    ]
    return torch.stack(rows, dim=-2)


def expand_translation(compressed: Float[Tensor, "k 3"]) -> Float[Tensor, "k 3"]:
    return torch.sign(compressed) * torch.expm1(compressed.abs())


def compress_translation(translation: Float[Tensor, "k 3"]) -> Float[Tensor, "k 3"]:
    return torch.sign(translation) * torch.log1p(translation.abs())


def focals_px(values: Parameters) -> Float[Tensor, " n"]:
    return torch.exp(values.focal / FOCAL_STEPS)


def pair_scales(values: Parameters, base_scale: float | None) -> Float[Tensor, " e"]:
    """With geometric mean `base_scale`; as they are if that is None."""
    logs = values.pair_log_scale
    if base_scale is not None:
        logs = logs - logs.mean() + torch.log(logs.new_tensor(base_scale))
    return torch.exp(logs)


def stretch_points(
    values: Parameters, points: Float[Tensor, "e p 3"], keep_scale: bool
) -> Float[Tensor, "e p 3"]:
    """Points of pairs with x, y and z scaled by their adaptors; these change no size where it is kept."""
    both = values.adaptor[:, [0, 0, 1]]
    if keep_scale:
        both = both - both.mean(dim=1, keepdim=True)
    return points * torch.exp(both / ADAPTOR_STEPS)[:, None]


def points_of_views(values: Parameters, pixels: Float[Tensor, "n p 2"]) -> Float[Tensor, "n p 3"]:
    """World points of all views; `pixels` are relative to the given principal points."""
    depth = torch.exp(values.log_depth)[..., None]
    offset = (values.centre / CENTRE_STEPS)[:, None]
    slopes = (pixels - offset) / focals_px(values)[:, None, None]
    seen = torch.cat([slopes * depth, depth], dim=-1)
    return seen @ rotation(values.view_quaternion).mT + expand_translation(values.view_translation)[:, None]


def points_of_pairs(
    values: Parameters, points: Float[Tensor, "e p 3"], base_scale: float | None
) -> Float[Tensor, "e p 3"]:
    """World points that pairs' own points stand for."""
    scale = pair_scales(values, base_scale)[:, None, None]
    turned = stretch_points(values, points, base_scale is not None) @ rotation(values.pair_quaternion).mT
    return scale * (turned + expand_translation(values.pair_translation)[:, None])


def edges_of(pairs: list[tuple[int, int]], device: str) -> tuple[Int[Tensor, " e"], Int[Tensor, " e"]]:
    tail, head = torch.tensor(pairs, dtype=torch.int64, device=device).reshape(-1, 2).unbind(-1)
    return tail, head
