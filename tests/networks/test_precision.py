"""How far bf16 and fp16 are from fp32 on the seeded parity weights: by converted weights, with and without
the heads, and by autocast."""

import copy

import pytest
import torch
from parity_models import MODELS, PARITY_MARKS, load_network, read_case, read_images
from small_networks import DPT, random_images, random_network

from dust3r_sfm.networks.precision import set_precision

BOUNDS = {torch.bfloat16: (0.06, 0.01), torch.float16: (0.006, 0.001)}
"""Largest median error over a map: of points relative to their distance, of confidence relative to itself.
Measured, worst of all models and ways: bf16 0.028 and 0.004, fp16 0.0029 and 0.0002."""


def median_errors(found, wanted):
    distance = wanted.points.norm(dim=-1)
    points = (found.points - wanted.points).norm(dim=-1) / distance
    return points.median().item(), (found.confidence / wanted.confidence - 1).abs().median().item()


@pytest.fixture(scope="module", params=MODELS)
def seeded(request):
    network, images = load_network(request.param), read_images(read_case(request.param, "LP"))
    with torch.inference_mode():
        return network, images, network(*images)


def assert_close_enough(found, wanted, dtype):
    for one, other in zip(found, wanted, strict=True):
        assert one.points.dtype == one.confidence.dtype == torch.float32
        points, confidence = median_errors(one, other)
        assert points < BOUNDS[dtype][0]
        assert confidence < BOUNDS[dtype][1]


class TestOnParityWeights:
    pytestmark = PARITY_MARKS

    @pytest.mark.parametrize("heads", ["float32", "same"])
    @pytest.mark.parametrize("dtype", BOUNDS)
    def test_converted_weights(self, seeded, dtype, heads):
        network, images, wanted = seeded
        converted = set_precision(
            copy.deepcopy(network), dtype, torch.float32 if heads == "float32" else dtype
        )
        with torch.inference_mode():
            assert_close_enough(converted(*images), wanted, dtype)

    @pytest.mark.parametrize("dtype", BOUNDS)
    def test_autocast(self, seeded, dtype):
        network, images, wanted = seeded
        with torch.inference_mode(), torch.autocast("cpu", dtype):
            found = network(*images)
        assert_close_enough(found, wanted, dtype)


def test_heads_keep_their_float32_weights():
    network = random_network(DPT)
    heads = {key: value.clone() for key, value in network.state_dict().items() if "head" in key}
    set_precision(network, torch.bfloat16)
    assert all(torch.equal(network.state_dict()[key], value) for key, value in heads.items())
    assert {value.dtype for value in heads.values()} == {torch.float32}
    assert network.encode(random_images(1, 32, 32)).dtype == torch.bfloat16


def test_the_last_layer_of_low_precision_heads_stays():
    network = random_network(DPT)
    last = network.downstream_head1.dpt.head[-1].weight.clone()
    set_precision(network, torch.bfloat16, torch.bfloat16)
    assert torch.equal(network.downstream_head1.dpt.head[-1].weight, last)
    assert network.downstream_head1.dpt.head[0].weight.dtype == torch.bfloat16
