"""Learned matches of photos that are rolled against each other."""

import numpy as np
import pytest
import torch

from dust3r_sfm.matching.learned import LearnedConfig, why_unavailable
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import NoNotebook
from dust3r_sfm.regressors.stereo.wide_baseline.learned_matchers import (
    LearnedKeypoints,
    LearnedMatcher,
    TurnedMatcher,
)
from dust3r_sfm.regressors.stereo.wide_baseline.rolls import RollConfig
from dust3r_sfm.synthetic.cameras import arc_cameras
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import Correspondences, Pair, View

pytestmark = pytest.mark.learned
WIDTH, HEIGHT = 640, 480
PAIRS = [Pair(0, 1), Pair(0, 2), Pair(1, 2)]


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    scene = room_scene(0)
    rig = arc_cameras(scene, 9, WIDTH, HEIGHT, 512.0)
    return [render(scene, rig.cameras[k], rig.cam_from_world[k]).image for k in range(3)]


def keypoints(images: list[np.ndarray], quarter_turns: int) -> LearnedKeypoints:
    """Of three photos, the last of them turned."""
    if (missing := why_unavailable()) is not None:
        pytest.skip(f"learned matches: {missing}")
    shown = [*images[:2], np.ascontiguousarray(np.rot90(images[2], quarter_turns))]
    views = [
        View(f"{k}.png", image, np.eye(3), (image.shape[1], image.shape[0])) for k, image in enumerate(shown)
    ]
    return LearnedKeypoints(LearnedConfig(), torch.device("cpu"), views, NoNotebook())


def upright_pixels(pixels: np.ndarray, quarter_turns: int) -> np.ndarray:
    x, y = pixels.T
    return {1: np.stack([WIDTH - y, x], 1), 2: np.stack([WIDTH - x, HEIGHT - y], 1)}[quarter_turns]


@pytest.mark.parametrize("quarter_turns", [1, 2])
def test_a_rolled_photo_is_matched_the_right_way_up(images: list[np.ndarray], quarter_turns: int) -> None:
    plain = LearnedMatcher(keypoints(images, 0)).match(PAIRS, Silent())
    rolled = TurnedMatcher(keypoints(images, quarter_turns), RollConfig()).match(PAIRS, Silent())
    assert rolled.keys() == {Pair(0, 2), Pair(1, 2)}
    for pair, found in rolled.items():
        assert len(found) > 0.9 * len(plain[pair]) > 100
        again = Correspondences(found.pixels_i, upright_pixels(found.pixels_j, quarter_turns), found.weights)
        assert share_alike(again, plain[pair]) > 0.9


def share_alike(found: Correspondences, expected: Correspondences) -> float:
    """Of the matches, those that the other has within half a pixel."""
    both, wanted = (np.concatenate([m.pixels_i, m.pixels_j], axis=1) for m in (found, expected))
    nearest = np.abs(both[:, None] - wanted).max(axis=2).min(axis=1)
    return float((nearest < 0.5).mean())


def test_of_upright_photos_nothing_is_turned(images: list[np.ndarray]) -> None:
    assert TurnedMatcher(keypoints(images, 0), RollConfig()).match(PAIRS, Silent()) == {}
