"""ALIKED's two steps: a score for each pixel, and descriptors at chosen pixels.

kornia's network forms all 128 feature maps at full size (400 MB at 1024 x 768 pixels), which is most of its
time. Here the maps stay at the size they were computed at. Scores: the first layer of the score head is
linear in the maps, so it is applied before they are enlarged. Descriptors look at a few pixels each: maps
are enlarged there only. Both are the same numbers but for rounding.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from kornia.feature import ALIKED
    from kornia.feature.aliked.aliked import SDDH

_MULTIPLE = 32
"""Sides are padded to multiples of this, the size of a pixel of the coarsest map."""
_PATCH = 3
"""Side of the patch that sampling positions are computed from."""


@dataclass(frozen=True)
class Pyramid:
    """Feature maps of a picture from fine to coarse, of the padded picture each; `size` (width, height) of
    the picture, which lies `offset` (x, y) from the padded one's corner."""

    maps: tuple[Float[Tensor, "1 c _h _w"], ...]
    size: tuple[int, int]
    offset: tuple[int, int]
    padded: tuple[int, int]


def pyramid_of(aliked: "ALIKED", picture: Float[Tensor, "1 3 h w"]) -> Pyramid:
    """Of an RGB picture in [0, 1]."""
    height, width = picture.shape[-2:]
    missing_x, missing_y = -width % _MULTIPLE, -height % _MULTIPLE
    left, top = missing_x // 2, missing_y // 2
    sides = (left, missing_x - left, top, missing_y - top)
    finest = aliked.block1(F.pad(picture, sides, mode="replicate"))
    second = aliked.block2(aliked.pool2(finest))
    third = aliked.block3(aliked.pool4(second))
    coarsest = aliked.block4(aliked.pool4(third))
    maps = (
        F.selu(aliked.conv1(finest)),
        F.selu(aliked.conv2(second)),
        F.selu(aliked.conv3(third)),
        F.selu(aliked.conv4(coarsest)),
    )
    return Pyramid(maps, (width, height), (left, top), (width + missing_x, height + missing_y))


def score_map(aliked: "ALIKED", pyramid: Pyramid) -> Float[Tensor, "1 1 h w"]:
    """How good a keypoint each pixel of the picture would be, in (0, 1)."""
    width, height = pyramid.padded
    first = aliked.score_head[0].get_parameter("weight")
    parts = first.split([level.shape[1] for level in pyramid.maps], dim=1)
    mixed = first.new_zeros(1, len(first), height, width)
    for level, part in zip(pyramid.maps, parts, strict=True):
        small = F.conv2d(level, part)
        mixed += F.interpolate(small, (height, width), mode="bilinear", align_corners=True)
    mixed = aliked.score_head[1:](mixed)
    (left, top), (columns, rows) = pyramid.offset, pyramid.size
    return torch.sigmoid(mixed[:, :, top : top + rows, left : left + columns])


def describe(aliked: "ALIKED", pyramid: Pyramid, places: Float[Tensor, "n 2"]) -> Float[Tensor, "n c"]:
    """Unit descriptors at (x, y) of the picture, with integers at the centres of pixels."""
    head: SDDH = aliked.desc_head
    around = _offsets(head, pyramid, places)
    sampled = _interpolate(pyramid, (places[:, None] + around).flatten(0, 1))
    mixed = F.selu(F.linear(sampled, head.sf_conv.weight[:, :, 0, 0])).unflatten(0, (-1, head.n_pos))
    return F.normalize(torch.einsum("npc,pcd->nd", mixed, head.agg_weights), dim=1)


def _offsets(head: "SDDH", pyramid: Pyramid, places: Float[Tensor, "n 2"]) -> Float[Tensor, "n p 2"]:
    """Where the features of a descriptor are taken from, computed from the patch around its place."""
    last = places.new_tensor(pyramid.size).long() - 1
    corner = (places.long() - _PATCH // 2).clamp(min=0).minimum(last - _PATCH)
    step = torch.arange(_PATCH, device=places.device)
    inside = torch.stack(torch.meshgrid(step, step, indexing="xy"), dim=-1)
    pixels = corner[:, None, None] + inside
    patches = _features_at(pyramid, pixels.flatten(0, 2)).unflatten(0, (-1, _PATCH, _PATCH))
    most = max(pyramid.size) / 4.0
    found = head.offset_conv(patches.permute(0, 3, 1, 2)).clamp(-most, most)
    return found[:, :, 0, 0].unflatten(1, (2, head.n_pos)).transpose(1, 2)


def _interpolate(pyramid: Pyramid, places: Float[Tensor, "n 2"]) -> Float[Tensor, "n c"]:
    """Bilinear between the normalised features of the four pixels around; nothing outside the picture."""
    corner = places.floor()
    part = places - corner
    found = places.new_zeros(len(places), sum(level.shape[1] for level in pyramid.maps))
    for right in (0, 1):
        for below in (0, 1):
            step = places.new_tensor([right, below])
            weight = torch.where(step > 0, part, 1.0 - part).prod(dim=1)
            pixels = (corner + step).long()
            weight = weight * _within(pixels, pyramid.size)
            found += weight[:, None] * _features_at(pyramid, pixels)
    return found


def _within(pixels: Int[Tensor, "n 2"], size: tuple[int, int]) -> Bool[Tensor, " n"]:
    return ((pixels >= 0) & (pixels < pixels.new_tensor(size))).all(dim=1)


def _features_at(pyramid: Pyramid, pixels: Int[Tensor, "n 2"]) -> Float[Tensor, "n c"]:
    """Unit features of the maps enlarged to the padded picture (corners on corners), at whole pixels."""
    last = pixels.new_tensor(pyramid.padded) - 1
    padded = pixels + pixels.new_tensor(pyramid.offset)
    grid = (2.0 * padded / last - 1.0)[None, :, None]
    sampled = [F.grid_sample(level, grid, align_corners=True)[0, :, :, 0] for level in pyramid.maps]
    return F.normalize(torch.cat(sampled), dim=0).T
