"""What a network says of one view, and how the last layer's raw numbers become it.

DUSt3R, section 3.3 and its confidence c = 1 + exp(raw); MASt3R, section 3.2 for the descriptors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class ViewOutput:
    """Pixel maps of one view of a pair, float32."""

    points: Float[Tensor, "b h w 3"]
    """In camera i's frame for BOTH views of the pair (i, j), OpenCV axes, in metres if the network is metric,
    else in a scale of the pair's own."""
    confidence: Float[Tensor, "b h w"]
    """Of `points`: at least 1."""
    descriptors: Float[Tensor, "b h w c"] | None = None
    """Of unit length; None without local features."""
    descriptor_confidence: Float[Tensor, "b h w"] | None = None
    """Of `descriptors`; None without them."""

    def map_tensors(self, function: Callable[[Tensor], Tensor]) -> "ViewOutput":
        """The same with `function` applied to every map there is."""
        maps = (self.descriptors, self.descriptor_confidence)
        more = (None if one is None else function(one) for one in maps)
        return ViewOutput(function(self.points), function(self.confidence), *more)

    def halves(self) -> tuple["ViewOutput", "ViewOutput"]:
        """Of a batch of even size."""
        middle = len(self.points) // 2
        return self.map_tensors(lambda one: one[:middle]), self.map_tensors(lambda one: one[middle:])


def points_from_raw(raw: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b h w 3"]:
    """Along the raw vector, at the distance exp(its length) - 1."""
    raw = raw.movedim(1, -1)
    length = torch.linalg.vector_norm(raw, dim=-1, keepdim=True)
    return raw / length.clamp(min=1e-8) * torch.expm1(length)


def confidence_from_raw(raw: Float[Tensor, "b h w"], low: float, high: float) -> Float[Tensor, "b h w"]:
    return low + raw.exp().clamp(max=high - low)


def descriptors_from_raw(raw: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h w c"]:
    return F.normalize(raw.movedim(1, -1), dim=-1)
