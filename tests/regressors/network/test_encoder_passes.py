"""Every image passes the encoder once, whatever the graph, and is prepared once for either role."""

from collections.abc import Iterator

import pytest
import torch
from seeded_networks import TINY, loaded, noise_views, seeded_network

from dust3r_sfm.inference import measure_pairs
from dust3r_sfm.networks import Dust3r
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
@pytest.mark.parametrize("token_cache", [2**30, 1])
def test_as_many_encoder_passes_as_images(graph: str, token_cache: int, images_encoded: list[int]) -> None:
    views = noise_views([(32, 32), (48, 32)] * (COUNT // 2))
    config = NetworkRegressorConfig("given", token_cache=token_cache)
    pairs = view_graph([view.name for view in views], parse_graph(graph))
    measure_pairs(NetworkRegressor(config, loaded(seeded_network())), views, pairs)
    assert sum(images_encoded) == COUNT


class Counting(Dust3r):
    """Notes of how many images, and how many pairs, each method was given."""

    def __init__(self) -> None:
        super().__init__(TINY)
        self.prepared, self.decoded = [0, 0], 0

    def prepare(self, role, tokens, grid):
        self.prepared[role] += len(tokens)
        return super().prepare(role, tokens, grid)

    def decode_prepared(self, prepared_i, prepared_j, grid_i, grid_j):
        self.decoded += len(prepared_i.tokens)
        return super().decode_prepared(prepared_i, prepared_j, grid_i, grid_j)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_complete_graph_prepares_each_image_once_for_each_role(batch_size: int) -> None:
    views, network = noise_views([(48, 32)] * COUNT), Counting().eval()
    regressor = NetworkRegressor(NetworkRegressorConfig("given", batch_size=batch_size), loaded(network))
    measure_pairs(regressor, views, view_graph([view.name for view in views], parse_graph("complete")))
    assert network.prepared == [COUNT, COUNT]
    assert network.decoded == COUNT * (COUNT - 1)
