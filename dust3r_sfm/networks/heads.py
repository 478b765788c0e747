"""From tokens to raw pixel maps: a linear layer, a DPT (Ranftl et al., ICCV 2021), local features.

What a head makes of the encoder's tokens depends on one image alone, so it stands by itself in `start`:
a DPT's finest level, half of the descriptors' first layer. Whoever decodes many pairs does it once an image.
A head works in the precision of its weights and gives float32. Attributes bear the names that
published checkpoints know them by.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dust3r_sfm.networks.blocks import Mlp
from dust3r_sfm.networks.config import DPTHeadConfig, LocalFeatureConfig, NetworkConfig
from dust3r_sfm.networks.rotary import Grid

Raw = Float[Tensor, "b c h w"]
HeadStart = tuple[Float[Tensor, "b ..."], ...]
"""What a head makes of the encoder's tokens, whatever the other view."""


def _map_from_tokens(tokens: Float[Tensor, "b n d"], grid: Grid) -> Float[Tensor, "b d rows cols"]:
    return tokens.unflatten(1, grid).permute(0, 3, 1, 2)


def _double(x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h2 w2"]:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


class LinearHead(nn.Module):
    """x, y, z and confidence of a patch's pixels from its last token."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.hooks = (config.dec_depth,)
        self.proj = nn.Linear(config.dec_embed_dim, 4 * config.patch_size**2)

    def start(self, tokens: Float[Tensor, "b n d"], grid: Grid) -> HeadStart:
        return ()

    def forward(self, start: HeadStart, tokens: Sequence[Float[Tensor, "b n _d"]], grid: Grid) -> Raw:
        raw = self.proj(tokens[-1].to(self.proj.weight.dtype))
        return F.pixel_shuffle(_map_from_tokens(raw, grid).float(), self.patch_size)


class ResidualUnit(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(dim, dim, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(dim, dim, kernel_size=3, padding=1)

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(nn.Module):
    """Adds a finer level to the coarser ones, and doubles the resolution. The finer one has been through
    `resConfUnit1`."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(dim, dim, kernel_size=1)
        self.resConfUnit1 = ResidualUnit(dim)
        self.resConfUnit2 = ResidualUnit(dim)

    def forward(
        self, coarse: Float[Tensor, "b d h w"], fine: Float[Tensor, "b d h w"] | None = None
    ) -> Float[Tensor, "b d h2 w2"]:
        if fine is not None:
            coarse = coarse + fine
        # Published: doubled, then out_conv. A pixelwise linear map and an interpolation whose weights
        # add up to 1 commute, and this way round it is a quarter of the work.
        return _double(self.out_conv(self.resConfUnit2(coarse)))


class Levels(nn.Module):
    """The four levels to one number of channels, and their fusion. Published checkpoints have two names
    for each of the first layers, and a `refinenet4.resConfUnit1` that is not used."""

    def __init__(self, layer_dims: Sequence[int], dim: int) -> None:
        super().__init__()
        layers = [nn.Conv2d(layer, dim, kernel_size=3, padding=1, bias=False) for layer in layer_dims]
        self.layer1_rn, self.layer2_rn, self.layer3_rn, self.layer4_rn = layers
        self.layer_rn = nn.ModuleList(layers)
        self.refinenet1 = Fusion(dim)
        self.refinenet2 = Fusion(dim)
        self.refinenet3 = Fusion(dim)
        self.refinenet4 = Fusion(dim)

    def finest(self, level: Float[Tensor, "b _d h w"]) -> Float[Tensor, "b d h w"]:
        return self.refinenet1.resConfUnit1(self.layer1_rn(level))

    def forward(
        self, finest: Float[Tensor, "b d h w"], coarser: Sequence[Float[Tensor, "b _d _h _w"]]
    ) -> Float[Tensor, "b d h2 w2"]:
        two, three, four = (layer(x) for layer, x in zip(self.layer_rn[1:], coarser, strict=True))
        # The coarsest level has half the tokens, rounded up.
        path = self.refinenet4(four)[..., : three.shape[-2], : three.shape[-1]]
        path = self.refinenet3(path, self.refinenet3.resConfUnit1(three))
        path = self.refinenet2(path, self.refinenet2.resConfUnit1(two))
        return self.refinenet1(path, finest)


class Doubling(nn.Module):
    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h2 w2"]:
        return _double(x)


class Dpt(nn.Module):
    """Tokens of four depths as maps at 4, 2, 1 and 1/2 times the grid's resolution, fused from coarse to
    fine, to 16 times the grid's."""

    def __init__(self, token_dims: Sequence[int], config: DPTHeadConfig, out_channels: int) -> None:
        super().__init__()
        dims, features = config.layer_dims, config.feature_dim
        self.scratch = Levels(dims, features)
        self.head = nn.Sequential(
            nn.Conv2d(features, features // 2, kernel_size=3, padding=1),
            Doubling(),
            nn.Conv2d(features // 2, config.last_dim, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(config.last_dim, out_channels, kernel_size=1),
        )
        resampling: tuple[list[nn.Module], ...] = (
            [nn.ConvTranspose2d(dims[0], dims[0], kernel_size=4, stride=4)],
            [nn.ConvTranspose2d(dims[1], dims[1], kernel_size=2, stride=2)],
            [],
            [nn.Conv2d(dims[3], dims[3], kernel_size=3, stride=2, padding=1)],
        )
        self.act_postprocess = nn.ModuleList(
            nn.Sequential(nn.Conv2d(token_dim, dim, kernel_size=1), *layers)
            for token_dim, dim, layers in zip(token_dims, dims, resampling, strict=True)
        )

    def finest(self, tokens: Float[Tensor, "b n d"], grid: Grid) -> Float[Tensor, "b f h w"]:
        """From the first depth's tokens; ready to be added to the others."""
        tokens = tokens.to(self.scratch.layer1_rn.weight.dtype)
        return self.scratch.finest(self.act_postprocess[0](_map_from_tokens(tokens, grid)))

    def forward(
        self, finest: Float[Tensor, "b _f _h _w"], coarser: Sequence[Float[Tensor, "b n _d"]], grid: Grid
    ) -> Raw:
        """`coarser`: tokens of the three other depths."""
        maps = [_map_from_tokens(tokens.to(finest.dtype), grid) for tokens in coarser]
        levels = [layer(x) for layer, x in zip(self.act_postprocess[1:], maps, strict=True)]
        features = self.head[:-1](self.scratch(finest, levels))
        # The last layer may be kept in a higher precision: it sets the digits of the points.
        return self.head[-1](features.to(self.head[-1].weight.dtype)).float()


class DptHead(nn.Module):
    """x, y, z and confidence by a DPT."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        assert isinstance(config.head, DPTHeadConfig)
        self.hooks = config.hooks[1:]
        token_dims = (config.enc_embed_dim, *3 * (config.dec_embed_dim,))
        self.dpt = Dpt(token_dims, config.head, out_channels=4)

    def start(self, tokens: Float[Tensor, "b n d"], grid: Grid) -> HeadStart:
        return (self.dpt.finest(tokens, grid),)

    def forward(self, start: HeadStart, tokens: Sequence[Float[Tensor, "b n _d"]], grid: Grid) -> Raw:
        return self.dpt(start[0], tokens, grid)


class LocalFeatureHead(DptHead):
    """The same, and behind its four channels those of descriptors from the encoder's and the last
    tokens: `dim`, and their confidence if they have one of their own."""

    def __init__(self, config: NetworkConfig, features: LocalFeatureConfig) -> None:
        super().__init__(config)
        self.patch_size, self.encoder_dim = config.patch_size, config.enc_embed_dim
        dim = config.enc_embed_dim + config.dec_embed_dim
        channels = features.dim + features.two_confidences
        self.head_local_features = Mlp(dim, features.hidden_factor * dim, channels * self.patch_size**2)

    def start(self, tokens: Float[Tensor, "b n d"], grid: Grid) -> HeadStart:
        fc1 = self.head_local_features.fc1
        from_encoder = F.linear(tokens.to(fc1.weight.dtype), fc1.weight[:, : self.encoder_dim], fc1.bias)
        return *super().start(tokens, grid), from_encoder

    def forward(self, start: HeadStart, tokens: Sequence[Float[Tensor, "b n _d"]], grid: Grid) -> Raw:
        fc1, fc2 = self.head_local_features.fc1, self.head_local_features.fc2
        *of_points, from_encoder = start
        # Published: one layer on both tokens joined. It is linear, so it is the sum of two.
        from_decoder = F.linear(tokens[-1].to(fc1.weight.dtype), fc1.weight[:, self.encoder_dim :])
        features = _map_from_tokens(fc2(F.gelu(from_encoder + from_decoder)), grid)
        raw_features = F.pixel_shuffle(features.float(), self.patch_size)
        return torch.cat([super().forward(tuple(of_points), tokens, grid), raw_features], dim=1)
