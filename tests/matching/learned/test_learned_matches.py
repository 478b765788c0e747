"""Matches of rendered photos against their exact geometry, and kornia's matcher as it is against ours."""

import numpy as np
import pytest
import torch
from rendered_room import FOCAL, RenderedRoom

from dust3r_sfm.geometry import project, transform_points, unproject
from dust3r_sfm.images import load_color
from dust3r_sfm.matching.learned import (
    LearnedFeatureConfig,
    LearnedFeatures,
    LearnedMatches,
    LearnedNetworks,
    detect_features,
    match_learned,
    select_strongest,
)
from dust3r_sfm.matching.learned.attention import CrossAttention

pytestmark = pytest.mark.learned
CONFIG = LearnedFeatureConfig()
RIGHT_PX = 2.0


def features_of(networks: LearnedNetworks, room: RenderedRoom) -> list[LearnedFeatures]:
    return [detect_features(networks, view, *load_color(view, 1024), CONFIG) for view in room.views()]


def share_right(
    room: RenderedRoom, i: int, j: int, features: list[LearnedFeatures], matches: LearnedMatches
) -> float:
    """Which part of the matches lies where the true depth and poses carry them."""
    in_i, in_j = matches.index_pairs.T
    pixels_i, pixels_j = features[i].pixels[in_i], features[j].pixels[in_j]
    column, row = pixels_i.astype(int).T
    points = unproject(pixels_i, room.depths[i][row, column].astype(np.float64), room.rig.cameras[i])
    j_from_i = room.rig.cam_from_world[j] @ np.linalg.inv(room.rig.cam_from_world[i])
    expected = project(transform_points(j_from_i, points), room.rig.cameras[j])
    return float((np.linalg.norm(pixels_j - expected, axis=1) < RIGHT_PX).mean())


@pytest.mark.parametrize(("i", "j", "share"), [(0, 1, 0.9), (0, 2, 0.8)])
def test_matches_are_right(
    networks: LearnedNetworks, rendered_rooms: tuple[RenderedRoom, RenderedRoom], i: int, j: int, share: float
) -> None:
    """10 and 20 degrees apart."""
    assert rendered_rooms[0].rig.cameras[0].fx == FOCAL
    for room in rendered_rooms:
        features = features_of(networks, room)
        matches = match_learned(networks, features[i], features[j])
        assert len(matches) > 80
        assert share_right(room, i, j, features, matches) > share
        assert ((matches.scores > 0.1) & (matches.scores <= 1)).all()
        for side in matches.index_pairs.T:
            assert len(np.unique(side)) == len(side)


def test_photos_of_different_rooms_have_far_fewer_matches(
    networks: LearnedNetworks, rendered_rooms: tuple[RenderedRoom, RenderedRoom]
) -> None:
    """Some there are: rooms are made of the same materials."""
    (first, near, _), (other, _, _) = (features_of(networks, room) for room in rendered_rooms)
    assert len(match_learned(networks, first, other)) < 0.4 * len(match_learned(networks, first, near))


def test_the_same_again_and_without_keypoints(
    networks: LearnedNetworks, rendered_rooms: tuple[RenderedRoom, RenderedRoom]
) -> None:
    features = features_of(networks, rendered_rooms[0])
    first, second = (match_learned(networks, features[0], features[1]) for _ in range(2))
    np.testing.assert_array_equal(first.index_pairs, second.index_pairs)
    np.testing.assert_array_equal(first.scores, second.scores)
    none = LearnedFeatures(
        np.zeros((0, 2)),
        np.zeros((0, 128), np.float16),
        np.zeros(0, np.float32),
        np.eye(3),
        (320, 240),
    )
    for pair in ((none, features[0]), (features[0], none), (none, none)):
        assert match_learned(networks, *pair).index_pairs.shape == (0, 2)


def test_the_strongest_keep_their_numbers(
    networks: LearnedNetworks, rendered_rooms: tuple[RenderedRoom, RenderedRoom]
) -> None:
    room = rendered_rooms[0]
    features = features_of(networks, room)
    half = [select_strongest(found, len(found) // 2) for found in features]
    matches = match_learned(networks, half[0], half[1])
    assert len(matches) > 40
    assert share_right(room, 0, 1, features, matches) > 0.9


def test_fused_attention_is_kornia_s(networks: LearnedNetworks) -> None:
    layer = networks.lightglue.transformers[3].cross_attn
    assert isinstance(layer, CrossAttention)
    generator = torch.Generator().manual_seed(0)
    tokens_i, tokens_j = (torch.randn(2, n, 256, generator=generator) for n in (70, 53))
    with torch.inference_mode():
        for ours, theirs in zip(layer(tokens_i, tokens_j), layer.block(tokens_i, tokens_j), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_loading_leaves_the_process_as_it_was(networks: LearnedNetworks) -> None:
    """kornia's constructor turns flash attention off, for everyone."""
    assert torch.backends.cuda.flash_sdp_enabled()
    assert not any(weight.requires_grad for weight in networks.lightglue.parameters())
    assert not networks.aliked.training
