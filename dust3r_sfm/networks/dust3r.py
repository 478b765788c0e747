"""DUSt3R (Wang et al., CVPR 2024, section 3): two images in, two pointmaps in the first camera's frame out.

Each image is encoded by itself, once, and prepared for either role it may have in a pair (0: first view,
1: second view); the role's decoder then looks at its own tokens and at the other view's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dust3r_sfm.networks.blocks import (
    DecoderBlock,
    EncoderBlock,
    PatchEmbedding,
    autocast_off,
    grid_from_size,
    initialise,
)
from dust3r_sfm.networks.config import LinearHeadConfig, NetworkConfig
from dust3r_sfm.networks.heads import DptHead, HeadStart, LinearHead
from dust3r_sfm.networks.outputs import ViewOutput, confidence_from_raw, points_from_raw
from dust3r_sfm.networks.rotary import Grid, Rotation, rotation_for_grid

TokensI = Float[Tensor, "b n d"]
TokensJ = Float[Tensor, "b m d"]
TokenPair = tuple[Float[Tensor, "_b _n _d"], Float[Tensor, "_b _m _d"]]


@dataclass(frozen=True)
class Prepared:
    """All that decoding needs of images in one role: tokens as wide as the decoder's, and what the role's
    head makes of the encoder's."""

    tokens: Float[Tensor, "b n d"]
    head_start: HeadStart

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self.tokens, *self.head_start))

    @classmethod
    def join(cls, parts: Sequence["Prepared"]) -> "Prepared":
        """One batch of several, of equal shapes."""
        starts = zip(*(part.head_start for part in parts), strict=True)
        return cls(torch.cat([part.tokens for part in parts]), tuple(torch.cat(same) for same in starts))

    def of_images(self, index: Int[Tensor, " k"]) -> "Prepared":
        """Of the images with these numbers."""
        return Prepared(self.tokens[index], tuple(part[index] for part in self.head_start))


class Dust3r(nn.Module):
    """Sides of images are multiples of the patch size, each batch has one shape; the two views' shapes
    may differ, and portrait is run as it is."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        encoder = (config.enc_embed_dim, config.enc_num_heads, config.mlp_ratio, config.norm_eps)
        decoder = (config.dec_embed_dim, config.dec_num_heads, config.mlp_ratio, config.norm_eps)
        # Left from CroCo's pre-training; published checkpoints carry it.
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.dec_embed_dim))
        self.patch_embed = PatchEmbedding(config.patch_size, config.enc_embed_dim)
        self.enc_blocks = nn.ModuleList(EncoderBlock(*encoder) for _ in range(config.enc_depth))
        self.enc_norm = nn.LayerNorm(config.enc_embed_dim, config.norm_eps)
        self.decoder_embed = nn.Linear(config.enc_embed_dim, config.dec_embed_dim)
        self.dec_blocks = nn.ModuleList(DecoderBlock(*decoder) for _ in range(config.dec_depth))
        self.dec_norm = nn.LayerNorm(config.dec_embed_dim, config.norm_eps)
        self.dec_blocks2 = nn.ModuleList(DecoderBlock(*decoder) for _ in range(config.dec_depth))
        self.downstream_head1 = self.new_head()
        self.downstream_head2 = self.new_head()
        self.apply(initialise)

    def new_head(self) -> LinearHead | DptHead:
        if isinstance(self.config.head, LinearHeadConfig):
            return LinearHead(self.config)
        return DptHead(self.config)

    def forward(
        self, images_i: Float[Tensor, "b 3 hi wi"], images_j: Float[Tensor, "b 3 hj wj"]
    ) -> tuple[ViewOutput, ViewOutput]:
        """Views i and j, both in camera i's frame. Images are RGB in [-1, 1]."""
        grid_i, grid_j = self.grid(images_i), self.grid(images_j)
        return self.decode(self.encode(images_i), self.encode(images_j), grid_i, grid_j)

    def grid(self, images: Float[Tensor, "b 3 h w"]) -> Grid:
        """Raises InputError unless the sides are multiples of the patch size."""
        return grid_from_size(images.shape[-2], images.shape[-1], self.config.patch_size)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Tokens of images, RGB in [-1, 1], row-major: all that is ever needed of an image again."""
        x = self.patch_embed(images)
        rotation = self.encoder_rotation(self.grid(images), x)
        for block in self.enc_blocks:
            x = block(x, rotation)
        return self.enc_norm(x)

    def decode(
        self, tokens_i: TokensI, tokens_j: TokensJ, grid_i: Grid, grid_j: Grid
    ) -> tuple[ViewOutput, ViewOutput]:
        """Views i and j from their encoder tokens, both in camera i's frame."""
        prepared = self.prepare(0, tokens_i, grid_i), self.prepare(1, tokens_j, grid_j)
        return self.decode_prepared(*prepared, grid_i, grid_j)

    def prepare(self, role: int, tokens: Float[Tensor, "b n d"], grid: Grid) -> Prepared:
        """Everything else that concerns one image and its role, but not the pair. Of the
        published networks it takes 15 (DPT) or 37 MB (MASt3R) an image and role, 512 x 384 in float32."""
        return Prepared(self.embed(tokens), self.head_start(role, tokens, grid))

    def decode_prepared(
        self, prepared_i: Prepared, prepared_j: Prepared, grid_i: Grid, grid_j: Grid
    ) -> tuple[ViewOutput, ViewOutput]:
        """`decode` of images that were prepared, i for role 0 and j for role 1."""
        i, j = prepared_i.tokens, prepared_j.tokens
        rotations = self.decoder_rotation(grid_i, i), self.decoder_rotation(grid_j, j)
        taps_i, taps_j = zip(*self.decoder_taps(i, j, *rotations), strict=True)
        raw_i = self.raw_maps(0, prepared_i.head_start, taps_i, grid_i)
        raw_j = self.raw_maps(1, prepared_j.head_start, taps_j, grid_j)
        return self.view_output(raw_i), self.view_output(raw_j)

    def decode_both(
        self, tokens_i: TokensI, tokens_j: TokensJ, grid_i: Grid, grid_j: Grid
    ) -> tuple[tuple[ViewOutput, ViewOutput], tuple[ViewOutput, ViewOutput]]:
        """`decode` of (i, j) and of (j, i), as one batch where the shapes allow it."""
        if grid_i != grid_j:
            both = self.decode(tokens_i, tokens_j, grid_i, grid_j)
            return both, self.decode(tokens_j, tokens_i, grid_j, grid_i)
        first, second = torch.cat([tokens_i, tokens_j]), torch.cat([tokens_j, tokens_i])
        views = self.decode(first, second, grid_i, grid_j)
        (i_of_ij, i_of_ji), (j_of_ij, j_of_ji) = (view.halves() for view in views)
        return (i_of_ij, j_of_ij), (i_of_ji, j_of_ji)

    def decoder_tokens(
        self, tokens_i: TokensI, tokens_j: TokensJ, grid_i: Grid, grid_j: Grid
    ) -> list[TokenPair]:
        """For looking inside: both views' tokens after each decoder block, the last ones normalised."""
        rotations = self.decoder_rotation(grid_i, tokens_i), self.decoder_rotation(grid_j, tokens_j)
        return list(self._decoder_steps(self.embed(tokens_i), self.embed(tokens_j), *rotations))

    def embed(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n e"]:
        """The encoder's tokens as the decoders take them."""
        return self.decoder_embed(tokens.to(self.decoder_embed.weight.dtype))

    def decoder_taps(
        self, embedded_i: TokensI, embedded_j: TokensJ, rotation_i: Rotation, rotation_j: Rotation
    ) -> list[TokenPair]:
        """Both views' tokens at the depths that the heads read."""
        steps = self._decoder_steps(embedded_i, embedded_j, rotation_i, rotation_j)
        return [pair for depth, pair in enumerate(steps, 1) if depth in self.downstream_head1.hooks]

    def head_start(self, role: int, tokens: Float[Tensor, "b n d"], grid: Grid) -> HeadStart:
        """What the role's head makes of the encoder's tokens, in its own precision."""
        with autocast_off(tokens.device):
            return self._head(role).start(tokens, grid)

    def raw_maps(
        self, role: int, start: HeadStart, taps: Sequence[Float[Tensor, "b n _d"]], grid: Grid
    ) -> Float[Tensor, "b c h w"]:
        """The role's head, in its own precision."""
        with autocast_off(taps[0].device):
            return self._head(role)(start, taps, grid)

    def view_output(self, raw: Float[Tensor, "b c h w"]) -> ViewOutput:
        low, high = self.config.confidence_min, self.config.confidence_max
        return ViewOutput(points_from_raw(raw[:, :3]), confidence_from_raw(raw[:, 3], low, high))

    def encoder_rotation(self, grid: Grid, tokens: TokensI) -> Rotation:
        config = self.config
        head_dim = config.enc_embed_dim // config.enc_num_heads
        return rotation_for_grid(grid, head_dim, config.rope_base, tokens.device, tokens.dtype)

    def decoder_rotation(self, grid: Grid, tokens: TokensI) -> Rotation:
        config = self.config
        assert tokens.shape[1] == grid[0] * grid[1], f"{tokens.shape[1]} tokens are no grid of {grid}"
        head_dim, dtype = config.dec_embed_dim // config.dec_num_heads, self.decoder_embed.weight.dtype
        return rotation_for_grid(grid, head_dim, config.rope_base, tokens.device, dtype)

    def _head(self, role: int) -> LinearHead | DptHead:
        return (self.downstream_head1, self.downstream_head2)[role]

    def _decoder_steps(
        self, embedded_i: TokensI, embedded_j: TokensJ, rotation_i: Rotation, rotation_j: Rotation
    ) -> Iterator[TokenPair]:
        """Tokens after each block; the last ones normalised."""
        i, j = embedded_i, embedded_j
        for depth, (block_i, block_j) in enumerate(zip(self.dec_blocks, self.dec_blocks2, strict=True), 1):
            # Each reads what the other was before this block.
            i, j = block_i(i, j, rotation_i, rotation_j), block_j(j, i, rotation_j, rotation_i)
            if depth < self.config.dec_depth:
                yield i, j
        yield self.dec_norm(i), self.dec_norm(j)
