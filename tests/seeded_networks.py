"""Small networks with random weights: what they say is meaningless, how it gets there is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dust3r_sfm.networks import Dust3r, NetworkConfig, network_from_config
from dust3r_sfm.networks.checkpoints import Description, LoadedNetwork, save_network
from dust3r_sfm.networks.config import DPTHeadConfig, LocalFeatureConfig
from dust3r_sfm.types import View

TINY = NetworkConfig(
    long_edge=64,
    enc_embed_dim=32,
    enc_depth=2,
    enc_num_heads=2,
    dec_embed_dim=24,
    dec_depth=3,
    dec_num_heads=2,
    head=DPTHeadConfig(layer_dims=(8, 12, 16, 24), feature_dim=16, last_dim=8),
    # The frame of the points is then that of our cameras: nothing is turned.
    first_pixel_centre=0.5,
)
TINY_WITH_FEATURES = replace(TINY, local_features=LocalFeatureConfig(dim=8))


def seeded_network(config: NetworkConfig = TINY, seed: int = 0) -> Dust3r:
    """Random weights, and biases too, so that no input is like another."""
    torch.manual_seed(seed)
    network = network_from_config(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network


def loaded(network: Dust3r) -> LoadedNetwork:
    return LoadedNetwork(network, network.config, "tiny", None, "0" * 32)


def saved_network(path: Path, config: NetworkConfig = TINY, seed: int = 0) -> Path:
    save_network(path, seeded_network(config, seed), Description(config, "CC0"))
    return path


def noise_views(sizes: list[tuple[int, int]], seed: int = 0) -> list[View]:
    """Pictures of noise of these (width, height), each as large as its file."""
    rng = np.random.default_rng(seed)
    views = []
    for index, (width, height) in enumerate(sizes):
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        views.append(View(f"{index}.png", image, np.eye(3), (width, height)))
    return views
