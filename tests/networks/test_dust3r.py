"""What holds for any weights: both directions, portrait, wrong sizes, and the rotation of tokens."""

import math
from dataclasses import replace

import pytest
import torch
from small_networks import CONFIGS, DPT, LOCAL, assert_views_equal, random_images, random_network

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.rotary import rotation_for_grid


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("shape_j", [(32, 48), (48, 32), (48, 48)])
def test_both_directions_equal_one_after_the_other(config, shape_j):
    network = random_network(config)
    images = random_images(2, 32, 48, seed=1), random_images(2, *shape_j, seed=2)
    with torch.no_grad():
        tokens, grids = [network.encode(view) for view in images], [network.grid(view) for view in images]
        forth, back = network.decode_both(*tokens, *grids)
        assert_views_equal(forth, network.decode(*tokens, *grids))
        assert_views_equal(back, network.decode(*tokens[::-1], *grids[::-1]))
        assert_views_equal(forth, network(*images))


def test_ranges_of_the_outputs():
    network = random_network(LOCAL)
    with torch.no_grad():
        i, j = network(random_images(1, 32, 48), random_images(1, 48, 32, seed=1))
    assert i.points.shape == (1, 32, 48, 3)
    assert j.points.shape == (1, 48, 32, 3)
    for view in (i, j):
        assert (view.confidence > 1).all()
        assert (view.descriptor_confidence > 0).all()
        lengths = view.descriptors.norm(dim=-1)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_shared_confidence_where_descriptors_have_none_of_their_own():
    shared = replace(LOCAL, local_features=replace(LOCAL.local_features, two_confidences=False))
    with torch.no_grad():
        i, _ = random_network(shared)(random_images(1, 32, 32), random_images(1, 32, 32))
    assert i.descriptors.shape[-1] == 5
    assert torch.equal(i.confidence, i.descriptor_confidence)


def test_names_a_size_that_is_no_multiple_of_the_patches():
    with pytest.raises(InputError, match="50 x 32 pixels does not divide into patches of 16"):
        random_network(DPT).encode(random_images(1, 32, 50))


def naive_turn(vector, position, base):
    """One head's numbers, by complex multiplication."""
    turned = list(vector)
    half = len(vector) // 2
    for axis, place in enumerate(position):
        for k in range(half // 2):
            a, b = axis * half + k, axis * half + half // 2 + k
            angle = place * base ** (-2 * k / half)
            product = complex(vector[a], vector[b]) * complex(math.cos(angle), math.sin(angle))
            turned[a], turned[b] = product.real, product.imag
    return turned


def test_rotation_equals_a_naive_one():
    rows, columns = 3, 5
    heads = torch.randn(1, rows * columns, 2, 16, dtype=torch.float64)
    rotation = rotation_for_grid((rows, columns), 16, 100.0, heads.device, torch.float32)
    found = rotation.turn(heads)
    for token in range(rows * columns):
        for head in range(2):
            wanted = naive_turn(heads[0, token, head].tolist(), divmod(token, columns), 100.0)
            torch.testing.assert_close(
                found[0, token, head], torch.tensor(wanted).double(), atol=1e-6, rtol=0
            )


def test_tables_made_for_inference_serve_training():
    rotation_for_grid.cache_clear()
    network, images = random_network(DPT), random_images(1, 32, 32)
    with torch.inference_mode():
        network(images, images)
    network(images, images)[0].points.sum().backward()
    assert network.patch_embed.proj.weight.grad.abs().sum() > 0


def test_tables_are_bounded():
    for rows in range(1, 100):
        rotation_for_grid((rows, 2), 16, 100.0, torch.device("cpu"), torch.float32)
    info = rotation_for_grid.cache_info()
    assert info.currsize <= info.maxsize == 32
