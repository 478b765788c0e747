"""The objective in closed form, and its parametrisation."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from dust3r_sfm.alignment.gradient.config import GradientConfig
from dust3r_sfm.alignment.gradient.descent import learning_rate
from dust3r_sfm.alignment.gradient.objective import median_miss, objective, stack_maps
from dust3r_sfm.alignment.gradient.parameters import (
    Parameters,
    compress_translation,
    expand_translation,
    pair_scales,
    rotation,
    stretch_points,
)
from dust3r_sfm.types import Pair, PairPrediction, View


def test_rotation_is_that_of_the_quaternion_of_any_length():
    quaternions = np.random.default_rng(0).standard_normal((5, 4))
    found = rotation(torch.tensor(3.0 * quaternions))
    np.testing.assert_allclose(found, Rotation.from_quat(quaternions).as_matrix(), atol=1e-12)


def test_translations_come_back():
    values = torch.tensor([[-3.0, 0.0, 1e-3], [100.0, -1e-6, 2.0]], dtype=torch.float64)
    torch.testing.assert_close(expand_translation(compress_translation(values)), values)


def still(num_pairs, pair_log_scale, adaptor=0.0):
    """Two identity cameras of focal 2 at depth 1, and identity pairs."""
    quaternion = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    return Parameters(
        quaternion.repeat(2, 1),
        torch.zeros(2, 3),
        torch.zeros(2, 6),
        20 * torch.log(torch.full((2,), 2.0)),
        torch.zeros(2, 2),
        quaternion.repeat(num_pairs, 1),
        torch.zeros(num_pairs, 3),
        torch.tensor(pair_log_scale),
        torch.full((num_pairs, 2), adaptor),
    )


def views():
    return [View(name, np.zeros((2, 3, 3), np.uint8), np.eye(3), (3, 2)) for name in ("a", "b")]


def exact(scale, confidence):
    x, y = np.meshgrid([-0.5, 0.0, 0.5], [-0.25, 0.25])
    points = scale * np.stack([x, y, np.ones_like(x)], axis=-1)
    return PairPrediction(
        Pair(0, 1), points, points, np.full((2, 3), confidence), np.full((2, 3), confidence)
    )


@pytest.mark.parametrize(
    ("distance", "weighting", "weight"),
    [
        ("l1", "log", np.log(4.0)),
        ("l1", "sqrt", 2.0),
        ("l1", "minus_one", 3.0),
        ("l2", "identity", 4.0),
    ],
)
def test_loss_of_a_known_miss(distance, weighting, weight):
    """Points 10 % too far along their rays: a miss of 0.1 |ray| each, in both views."""
    config = GradientConfig(distance=distance, weighting=weighting)
    maps = stack_maps(views(), [exact(1.1, 4.0)], config)
    lengths = np.linalg.norm(exact(1.0, 4.0).points_i, axis=-1)
    miss = 0.1 * lengths if distance == "l1" else (0.1 * lengths) ** 2
    found = objective(still(1, [0.0]), maps, distance, None)
    assert found.item() == pytest.approx(2 * weight * miss.mean(), rel=1e-5)
    # torch's median of an even number is the lower of both in the middle.
    lower = np.sort(np.concatenate([lengths, lengths], axis=None))[lengths.size - 1]
    assert median_miss(still(1, [0.0]), maps, None) == pytest.approx(0.1 * lower, rel=1e-5)


def test_masked_and_infinite_points_weigh_nothing():
    prediction = exact(1.0, 4.0)
    prediction.points_i[0, 0] = np.nan
    prediction.points_j[1, 1] = 1e6
    mask = np.ones((2, 3), dtype=bool)
    mask[1, 1] = False
    pair_views = [View(v.name, v.image, v.pixel_from_original, v.original_size, mask=mask) for v in views()]
    maps = stack_maps(pair_views, [prediction], GradientConfig())
    assert objective(still(1, [0.0]), maps, "l1", None).item() == pytest.approx(0.0, abs=1e-6)


def test_pair_scales_have_their_mean():
    values = still(2, [3.0, 5.0])
    assert torch.exp(torch.log(pair_scales(values, 0.5)).mean()).item() == pytest.approx(0.5)
    torch.testing.assert_close(pair_scales(values, None), torch.exp(values.pair_log_scale))


def test_adaptors_change_no_size_where_that_is_kept():
    points = torch.ones(1, 1, 3)
    values = still(1, [0.0], adaptor=2.0)
    torch.testing.assert_close(stretch_points(values, points, True), points)
    torch.testing.assert_close(stretch_points(values, points, False), np.exp(0.1) * points)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_learning_rates_fall_to_the_last(schedule):
    config = GradientConfig(schedule=schedule)
    assert learning_rate(config, 0) == pytest.approx(0.01)
    assert learning_rate(config, 150) == pytest.approx((0.01 + 1e-6) / 2)
    assert learning_rate(config, 300) == pytest.approx(1e-6)
