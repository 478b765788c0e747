"""Networks small enough for tests, with random weights that nothing is zero or symmetric in."""

from dataclasses import replace

import torch

from dust3r_sfm.networks import NetworkConfig, network_from_config
from dust3r_sfm.networks.config import DPTHeadConfig, LinearHeadConfig, LocalFeatureConfig

DPT = NetworkConfig(
    long_edge=64,
    enc_embed_dim=32,
    enc_depth=2,
    enc_num_heads=2,
    dec_embed_dim=24,
    dec_depth=3,
    dec_num_heads=2,
    head=DPTHeadConfig((8, 12, 16, 24), 16, 8),
)
LINEAR = replace(DPT, head=LinearHeadConfig())
LOCAL = replace(DPT, local_features=LocalFeatureConfig(dim=5))
CONFIGS = {"dpt": DPT, "linear": LINEAR, "local features": LOCAL}


def random_network(config, seed=0):
    torch.manual_seed(seed)
    network = network_from_config(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network


def random_images(count, height, width, seed=0):
    """RGB in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, 3, height, width, generator=generator) - 1


def assert_views_equal(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(vars(one), vars(other), rtol=1e-4, atol=2e-5)
