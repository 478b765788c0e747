"""Scenes that grow from one pair find their focal on the way."""

from dataclasses import replace

import numpy as np
import pytest
from posed_scene import CONFIG, posed_scene

from dust3r_sfm.alignment.incremental_mapping import map_incrementally
from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg


@pytest.fixture(scope="module")
def grown_from(scenes):
    """Five views of an arc, exact matches, and evidence whose focals are wrong by a factor."""
    truth = scenes.arc([scenes.camera()] * 5)
    known = posed_scene(truth, scenes.all_pairs(range(5)), scenes.all_pairs(range(5)), range(5))

    def grown(factor: float):
        evidence = known.start.evidence
        wrong = replace(evidence, log_focal=evidence.log_focal + np.log(factor))
        return truth, map_incrementally([], truth.views, replace(known.start, evidence=wrong), CONFIG)

    return grown


@pytest.mark.parametrize("factor", [0.55, 0.8, 1.3])
def test_wrong_focals_are_found_right(grown_from, factor):
    truth, found = grown_from(factor)
    (scene,) = found[0].components
    assert scene.members == (0, 1, 2, 3, 4)
    assert [camera.fx for camera in scene.cameras] == pytest.approx(
        [camera.fx for camera in truth.cameras], rel=0.01
    )
    turns = scene.cam_from_world[1:, :3, :3] @ scene.cam_from_world[0, :3, :3].T
    wanted = (truth.cam_from_world[1:] @ invert_rigid(truth.cam_from_world[0]))[:, :3, :3]
    assert rotation_angle_deg(np.swapaxes(turns, 1, 2) @ wanted).max() < 0.2


def test_what_is_placed_already_does_not_grow(scenes):
    truth = scenes.arc([scenes.camera()] * 4)
    pairs = scenes.all_pairs(range(4))
    known = posed_scene(truth, pairs, pairs, range(4))
    assert map_incrementally([known.posed], truth.views, known.start, CONFIG) == []
