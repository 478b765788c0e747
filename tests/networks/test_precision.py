"""How far bf16 and fp16 are from fp32 on the seeded parity weights. The bounds are loose; what was
measured stands beside them."""

import copy

import pytest
import torch
from parity_models import MODELS, PARITY_MARKS, load_network, read_case, read_images
from small_networks import DPT, random_images, random_network

from dust3r_sfm.networks.precision import set_precision

BOUNDS = {torch.bfloat16: 0.05, torch.float16: 0.01}
"""Largest median error over a map: of points relative to their distance, of confidence relative."""


def median_errors(found, wanted):
    distance = wanted.points.norm(dim=-1)
    points = (found.points - wanted.points).norm(dim=-1) / distance
    return points.median().item(), (found.confidence / wanted.confidence - 1).abs().median().item()


@pytest.fixture(scope="module", params=MODELS)
def seeded(request):
    network, images = load_network(request.param), read_images(read_case(request.param, "LP"))
    with torch.inference_mode():
        return network, images, network(*images)


def assert_close_enough(found, wanted, dtype, record):
    for key, one, other in zip("ij", found, wanted, strict=True):
        assert one.points.dtype == one.confidence.dtype == torch.float32
        points, confidence = median_errors(one, other)
        record(f"view {key}", f"points {points:.2e}, confidence {confidence:.2e}")
        assert points < BOUNDS[dtype]
        assert confidence < BOUNDS[dtype]


class TestOnParityWeights:
    pytestmark = PARITY_MARKS

    @pytest.mark.parametrize("heads", ["float32", "same"])
    @pytest.mark.parametrize("dtype", BOUNDS)
    def test_converted_weights(self, seeded, dtype, heads, record_property):
        network, images, wanted = seeded
        converted = set_precision(
            copy.deepcopy(network), dtype, torch.float32 if heads == "float32" else dtype
        )
        with torch.inference_mode():
            assert_close_enough(converted(*images), wanted, dtype, record_property)

    @pytest.mark.parametrize("dtype", BOUNDS)
    def test_autocast(self, seeded, dtype, record_property):
        network, images, wanted = seeded
        with torch.inference_mode(), torch.autocast("cpu", dtype):
            found = network(*images)
        assert_close_enough(found, wanted, dtype, record_property)


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
