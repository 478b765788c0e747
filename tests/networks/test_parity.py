"""Equal to the published code on its own seeded weights: tokens, every output, every shape of pair."""

import numpy as np
import pytest
import torch
from parity_models import (
    CASES,
    MODELS,
    PARITY_MARKS,
    TOLERANCE,
    assert_outputs_equal,
    load_network,
    read_case,
    read_images,
)

pytestmark = PARITY_MARKS


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return request.param, load_network(request.param)


@pytest.fixture(params=CASES)
def case(request, model):
    name, network = model
    stored = read_case(name, request.param)
    with torch.inference_mode():
        yield network, stored, read_images(stored)


def test_every_output(case):
    network, stored, images = case
    assert_outputs_equal(network(*images), stored)


def test_encoder_tokens(case):
    network, stored, images = case
    for key, view in zip(("enc1", "enc2"), images, strict=True):
        np.testing.assert_allclose(network.encode(view).numpy(), stored[key], **TOLERANCE)


def test_tokens_after_each_decoder_block(case):
    network, stored, images = case
    tokens = (network.encode(view) for view in images)
    steps = network.decoder_tokens(*tokens, *(network.grid(view) for view in images))
    assert len(steps) == network.config.dec_depth
    for depth, step in enumerate(steps, 1):
        for view, found in enumerate(step, 1):
            np.testing.assert_allclose(found.numpy(), stored[f"dec{view}_{depth}"], **TOLERANCE)


def test_both_directions_at_once(model):
    """The published batch of "sym" is (x, y) and (y, x)."""
    name, network = model
    stored = read_case(name, "sym")
    with torch.inference_mode():
        x, y = (view[:1] for view in read_images(stored))
        both = network.decode_both(network.encode(x), network.encode(y), network.grid(x), network.grid(y))
    for sample, views in enumerate(both):
        one = {key: array[sample : sample + 1] for key, array in stored.items() if key.startswith("res")}
        assert_outputs_equal(views, one)
