"""CroCo (Weinzaepfel et al., NeurIPS 2022, section 3): cross-view completion, DUSt3R's pre-training.

Most of the first image is hidden; the network paints it from what is left and from a second image of
the same scene. Encoder weights (`patch_embed`, `enc_blocks`, `enc_norm`) are DUSt3R's, and so with the
"cross" decoder are `decoder_embed`, `dec_blocks` and `dec_norm`.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from dust3r_sfm.networks.blocks import (
    DecoderBlock,
    EncoderBlock,
    PatchEmbedding,
    grid_from_size,
    initialise,
)
from dust3r_sfm.networks.config import CrocoConfig
from dust3r_sfm.networks.rotary import Grid, Rotation, rotation_for_grid

PatchPixels = Float[Tensor, "b n pixels"]
Mask = Bool[Tensor, "b n"]


class Croco(nn.Module):
    """Predicts the normalised pixels of every patch of the first image."""

    def __init__(self, config: CrocoConfig) -> None:
        super().__init__()
        self.config = config
        dim, heads = config.dec_embed_dim, config.dec_num_heads
        encoder = (config.enc_embed_dim, config.enc_num_heads, config.mlp_ratio, config.norm_eps)
        block = DecoderBlock if config.decoder == "cross" else EncoderBlock
        self.patch_embed = PatchEmbedding(config.patch_size, config.enc_embed_dim)
        self.enc_blocks = nn.ModuleList(EncoderBlock(*encoder) for _ in range(config.enc_depth))
        self.enc_norm = nn.LayerNorm(config.enc_embed_dim, config.norm_eps)
        self.decoder_embed = nn.Linear(config.enc_embed_dim, dim)
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.dec_blocks = nn.ModuleList(
            block(dim, heads, config.mlp_ratio, config.norm_eps) for _ in range(config.dec_depth)
        )
        self.dec_norm = nn.LayerNorm(dim, config.norm_eps)
        self.prediction_head = nn.Linear(dim, 3 * config.patch_size**2)
        if config.decoder == "cat":
            # Positions cannot tell the images apart when their tokens stand in one sequence.
            self.image_embed = nn.Parameter(0.02 * torch.randn(2, 1, 1, dim))
        self.apply(initialise)

    def forward(
        self, images: Float[Tensor, "b 3 h w"], references: Float[Tensor, "b 3 h w"], mask: Mask
    ) -> PatchPixels:
        """`mask` is True where a patch of `images` is hidden, the same number of them in each sample
        (`random_mask`). Images are RGB in [-1, 1]; pixels as in `patch_pixels`, normalised."""
        grid = self._grid(images)
        assert bool((mask.sum(dim=1) == mask[0].sum()).all()), "as many hidden patches in each sample"
        visible = torch.nonzero(~mask)[:, 1].unflatten(0, (len(mask), -1))
        patches = self.patch_embed(images)
        kept = patches.gather(1, visible[..., None].expand(-1, -1, patches.shape[-1]))
        rotation = _of_tokens(self._encoder_rotation(grid, patches), visible)
        seen = self.decoder_embed(self._encode_patches(kept, rotation))
        reference = self.decoder_embed(self.encode(references))
        # Under autocast the tokens are of a lower precision than the parameter.
        tokens = self.mask_token.to(seen.dtype).expand(*mask.shape, -1).clone()
        tokens[~mask] = seen.flatten(0, 1)
        return self.prediction_head(self.dec_norm(self._decode(tokens, reference, grid)))

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Tokens of whole images, as DUSt3R's encoder gives them."""
        patches = self.patch_embed(images)
        return self._encode_patches(patches, self._encoder_rotation(self._grid(images), patches))

    def _encode_patches(self, patches: Float[Tensor, "b n d"], rotation: Rotation) -> Float[Tensor, "b n d"]:
        x = patches
        for block in self.enc_blocks:
            x = block(x, rotation)
        return self.enc_norm(x)

    def _decode(
        self, x: Float[Tensor, "b n d"], reference: Float[Tensor, "b n d"], grid: Grid
    ) -> Float[Tensor, "b n d"]:
        rotation = self._rotation(grid, x, self.config.dec_embed_dim // self.config.dec_num_heads)
        if self.config.decoder == "cross":
            for block in self.dec_blocks:
                x = block(x, reference, rotation, rotation)
            return x
        both = torch.cat([x + self.image_embed[0], reference + self.image_embed[1]], dim=1)
        for block in self.dec_blocks:
            both = block(both, _twice(rotation))
        return both[:, : x.shape[1]]

    def _grid(self, images: Float[Tensor, "b 3 h w"]) -> Grid:
        return grid_from_size(images.shape[-2], images.shape[-1], self.config.patch_size)

    def _encoder_rotation(self, grid: Grid, tokens: Float[Tensor, "b n d"]) -> Rotation:
        return self._rotation(grid, tokens, self.config.enc_embed_dim // self.config.enc_num_heads)

    def _rotation(self, grid: Grid, tokens: Float[Tensor, "b n d"], head_dim: int) -> Rotation:
        return rotation_for_grid(grid, head_dim, self.config.rope_base, tokens.device, tokens.dtype)


def _of_tokens(rotation: Rotation, index: Int[Tensor, "b k"]) -> Rotation:
    """The rotation of k chosen tokens of each sample, out of that of a whole grid."""
    return Rotation(rotation.cos[0][index], rotation.sin[0][index])


def _twice(rotation: Rotation) -> Rotation:
    """The rotation of two images' tokens in one sequence."""
    return Rotation(
        torch.cat([rotation.cos, rotation.cos], dim=1), torch.cat([rotation.sin, rotation.sin], dim=1)
    )


def random_mask(batch: int, grid: Grid, ratio: float, generator: torch.Generator) -> Mask:
    """Hides round(ratio x patches) of each sample, drawn uniformly; at least one stays and one goes.
    On the generator's device."""
    num_tokens = grid[0] * grid[1]
    num_hidden = min(max(round(ratio * num_tokens), 1), num_tokens - 1)
    noise = torch.rand(batch, num_tokens, generator=generator, device=generator.device)
    return noise.argsort(dim=1) < num_hidden


def patch_pixels(images: Float[Tensor, "b 3 h w"], patch_size: int) -> PatchPixels:
    """The pixels of each patch: row by row, the three colours of a pixel together."""
    grid = grid_from_size(images.shape[-2], images.shape[-1], patch_size)
    cells = images.unflatten(3, (grid[1], patch_size)).unflatten(2, (grid[0], patch_size))
    return cells.permute(0, 2, 4, 3, 5, 1).flatten(1, 2).flatten(2)


def completion_loss(
    predicted: PatchPixels, images: Float[Tensor, "b 3 h w"], mask: Mask, patch_size: int
) -> Float[Tensor, ""]:
    """Mean squared error over hidden patches, each target patch brought to mean 0 and variance 1
    (CroCo section 3.3, as in MAE)."""
    target = patch_pixels(images, patch_size)[mask]
    variance, mean = torch.var_mean(target, dim=-1, keepdim=True)
    normalised = (target - mean) / (variance + 1e-6).sqrt()
    return (predicted[mask].float() - normalised).square().mean()
