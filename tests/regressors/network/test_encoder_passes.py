"""Every image passes the encoder once, whatever the graph."""

from collections.abc import Iterator

import pytest
import torch
from seeded_networks import loaded, noise_views, seeded_network

from dust3r_sfm.inference import measure_pairs
from dust3r_sfm.networks.blocks import PatchEmbedding
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.view_graph import parse_graph, view_graph

COUNT = 6


@pytest.fixture
def images_encoded() -> Iterator[list[int]]:
    """How many images each pass of any network's first layer had."""
    counts: list[int] = []

    def count(module: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        if isinstance(module, PatchEmbedding):
            counts.append(len(output))

    hook = torch.nn.modules.module.register_module_forward_hook(count)
    yield counts
    hook.remove()


@pytest.mark.parametrize("graph", ["complete", "swin-2", "logwin-2", "oneref-1"])
@pytest.mark.parametrize("token_cache", [2**29, 1])
def test_as_many_encoder_passes_as_images(graph: str, token_cache: int, images_encoded: list[int]) -> None:
    views = noise_views([(32, 32), (48, 32)] * (COUNT // 2))
    config = NetworkRegressorConfig("given", token_cache=token_cache)
    pairs = view_graph(parse_graph(graph), [view.name for view in views])
    measure_pairs(NetworkRegressor(config, loaded(seeded_network())), views, pairs)
    assert sum(images_encoded) == COUNT
