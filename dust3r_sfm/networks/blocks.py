"""What the transformers are built of: patches, attention, and the blocks of encoder and decoder.

Pre-norm blocks as in ViT (Dosovitskiy et al. 2021); the cross-attending decoder block is CroCo's
(section 3.2). Attributes bear the names that published checkpoints know them by.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.rotary import Grid, Rotation


def grid_from_size(height: int, width: int, patch_size: int) -> Grid:
    """Raises InputError unless both sides, in pixels, are multiples of the patch size."""
    if height % patch_size or width % patch_size or not (height and width):
        raise InputError(
            f"An image of {width} x {height} pixels does not divide into patches of {patch_size}; "
            f"resize or crop it to multiples of {patch_size}."
        )
    return height // patch_size, width // patch_size


class PatchEmbedding(nn.Module):
    """Every patch of the image to one token, row-major."""

    def __init__(self, patch_size: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        return self.proj(images.to(self.proj.weight.dtype)).flatten(2).transpose(1, 2)


class Mlp(nn.Module):
    """Two layers with an exact GELU between."""

    def __init__(self, dim: int, hidden_dim: int, out_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, out_dim)

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n o"]:
        return self.fc2(F.gelu(self.fc1(x)))


def attend(
    q: Float[Tensor, "b n h d"], k: Float[Tensor, "b m h d"], v: Float[Tensor, "b m h d"]
) -> Float[Tensor, "b n hd"]:
    """Scaled dot-product attention; the heads' results side by side."""
    heads = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
    return heads.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Float[Tensor, "b n d"], rotation: Rotation) -> Float[Tensor, "b n d"]:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).unbind(2)
        return self.proj(attend(rotation.turn(q), rotation.turn(k), v))


class CrossAttention(nn.Module):
    """Tokens x ask, tokens y answer; each is turned by its own positions."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.projq = nn.Linear(dim, dim)
        self.projk = nn.Linear(dim, dim)
        self.projv = nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        y: Float[Tensor, "b m d"],
        rotation_x: Rotation,
        rotation_y: Rotation,
    ) -> Float[Tensor, "b n d"]:
        heads = (self.num_heads, -1)
        q, k, v = (
            self.projq(x).unflatten(-1, heads),
            self.projk(y).unflatten(-1, heads),
            self.projv(y).unflatten(-1, heads),
        )
        return self.proj(attend(rotation_x.turn(q), rotation_y.turn(k), v))


class EncoderBlock(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: int, norm_eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, norm_eps)
        self.attn = SelfAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, norm_eps)
        self.mlp = Mlp(dim, mlp_ratio * dim, dim)

    def forward(self, x: Float[Tensor, "b n d"], rotation: Rotation) -> Float[Tensor, "b n d"]:
        x = x + self.attn(self.norm1(x), rotation)
        return x + self.mlp(self.norm2(x))


class DecoderBlock(nn.Module):
    """Attends to its own view's tokens x, then to the other view's y, which it leaves as they are."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: int, norm_eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, norm_eps)
        self.attn = SelfAttention(dim, num_heads)
        self.cross_attn = CrossAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, norm_eps)
        self.norm3 = nn.LayerNorm(dim, norm_eps)
        self.mlp = Mlp(dim, mlp_ratio * dim, dim)
        self.norm_y = nn.LayerNorm(dim, norm_eps)

    def forward(
        self,
        x: Float[Tensor, "b n d"],
        y: Float[Tensor, "b m d"],
        rotation_x: Rotation,
        rotation_y: Rotation,
    ) -> Float[Tensor, "b n d"]:
        x = x + self.attn(self.norm1(x), rotation_x)
        x = x + self.cross_attn(self.norm2(x), self.norm_y(y), rotation_x, rotation_y)
        return x + self.mlp(self.norm3(x))


def initialise(module: nn.Module) -> None:
    """For `Module.apply`: linear layers and patches start Xavier-uniform with zero biases, as in MAE
    (He et al. 2022)."""
    if isinstance(module, PatchEmbedding):
        # xavier_uniform_ would count a convolution's kernel into the outputs too.
        nn.init.xavier_uniform_(module.proj.weight.flatten(1))
        nn.init.zeros_(module.proj.bias)  # type: ignore[arg-type]
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


def autocast_off(device: torch.device) -> AbstractContextManager[object]:
    """A context in which nothing is rounded to a lower precision behind one's back."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
