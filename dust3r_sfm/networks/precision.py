"""Lower precision where it costs little: the transformer, and the heads if wanted."""

import torch
from torch import nn

from dust3r_sfm.networks.dust3r import Dust3r
from dust3r_sfm.networks.heads import Dpt, LinearHead


def set_precision(network: Dust3r, transformer: torch.dtype, heads: torch.dtype = torch.float32) -> Dust3r:
    """Converts the weights in place, and returns the network.

    Each part casts what it is given to its own weights' precision; raw maps and all that is made of them
    are float32. Published heads run in float32. In lower ones the layer that gives coordinates stays in
    float32: it sets the digits of the points, and costs next to nothing.
    """
    roots = (network.downstream_head1, network.downstream_head2)
    in_heads = {module for head in roots for module in head.modules()}
    last = {layer for module in in_heads for layer in _coordinate_layers(module)}
    for module in network.modules():
        # Leaf by leaf: weights that stay in float32 must not pass through a lower precision.
        if next(module.children(), None) is None:
            own = heads if module in in_heads else transformer
            module.to(torch.float32 if module in last else own)
    return network


def _coordinate_layers(module: nn.Module) -> list[nn.Module]:
    if isinstance(module, LinearHead):
        return [module.proj]
    return [module.head[-1]] if isinstance(module, Dpt) else []
