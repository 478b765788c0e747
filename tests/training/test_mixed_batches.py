"""A batch of both orientations says of each pair what the pair says by itself."""

import numpy as np
import pytest
import torch
from parity_models import MODELS, PARITY, assert_outputs_equal, load_network, needs_parity, read_images
from small_networks import CONFIGS, DPT, assert_views_equal, random_images, random_network

from dust3r_sfm.errors import InputError
from dust3r_sfm.training.mixed_batches import forward_mixed

LANDSCAPE, PORTRAIT = [48, 64], [64, 48]


def turned(images, portrait):
    return images.transpose(2, 3) if portrait else images


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_equals_single_pairs(config):
    network = random_network(config)
    first, second = random_images(4, 48, 64, seed=1), random_images(4, 48, 64, seed=2)
    shapes_i = torch.tensor([LANDSCAPE, PORTRAIT, PORTRAIT, LANDSCAPE])
    shapes_j = torch.tensor([LANDSCAPE, PORTRAIT, LANDSCAPE, PORTRAIT])
    with torch.no_grad():
        views = forward_mixed(network, first, second, shapes_i, shapes_j)
        for k in range(4):
            portrait = [shapes[k].tolist() == PORTRAIT for shapes in (shapes_i, shapes_j)]
            single = network(turned(first[k : k + 1], portrait[0]), turned(second[k : k + 1], portrait[1]))
            stored = [
                view.map_tensors(lambda one, p=p: one.transpose(1, 2) if p else one)
                for view, p in zip(single, portrait, strict=True)
            ]
            assert_views_equal([view.map_tensors(lambda one, k=k: one[k : k + 1]) for view in views], stored)


def test_square_images_are_never_turned():
    network = random_network(DPT)
    first, second = random_images(2, 48, 48, seed=1), random_images(2, 48, 48, seed=2)
    shapes = torch.full((2, 2), 48)
    with torch.no_grad():
        assert_views_equal(forward_mixed(network, first, second, shapes, shapes), network(first, second))


def test_gradients_reach_every_used_weight():
    network = random_network(DPT)
    images, shapes = random_images(2, 32, 48), torch.tensor([[32, 48], [48, 32]])
    views = forward_mixed(network, images, images, shapes, shapes.flip(0))
    sum(view.points.sum() + view.confidence.sum() for view in views).backward()
    unused = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert {name for name in unused if "refinenet4.resConfUnit1" not in name} == {"mask_token"}


def test_names_a_true_shape_that_does_not_fit():
    images = random_images(2, 32, 48)
    shapes = torch.tensor([[32, 48], [32, 32]])
    with pytest.raises(InputError, match=r"\[32, 32\] does not fit images stored as \[32, 48\]"):
        forward_mixed(random_network(DPT), images, images, shapes, shapes)


@needs_parity
@pytest.mark.parametrize("name", MODELS)
def test_equals_the_published_layout(name):
    stored = dict(np.load(PARITY / f"{name}_manyar.npz"))
    shapes = (torch.from_numpy(stored[key]) for key in ("true_shape1", "true_shape2"))
    with torch.no_grad():
        views = forward_mixed(load_network(name), *read_images(stored), *shapes)
    assert_outputs_equal(views, stored)
