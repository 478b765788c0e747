"""Pairs that only refinement shows to be wrong."""

from dataclasses import replace

import numpy as np
import pytest
from posed_scene import CONFIG, initialization_of

from dust3r_sfm.alignment.global_mapping import map_globally
from dust3r_sfm.alignment.refinement import outlier_rejection
from dust3r_sfm.alignment.refinement.levenberg_marquardt import refine
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Pair

BLURRED = Pair(1, 3)
"""Its points are scattered about where they should be: the right pose, and of no use."""


@pytest.fixture
def truth(scenes):
    return scenes.arc([scenes.camera()] * 5)


def blurred(prediction, rng):
    if prediction.pair != BLURRED:
        return prediction
    size = prediction.points_j[..., 2:]
    return replace(
        prediction, points_j=prediction.points_j + 0.02 * size * rng.normal(size=prediction.points_j.shape)
    )


def solved(truth, pairs, refinement=CONFIG.refinement):
    rng = np.random.default_rng(4)
    exact = synthetic_predictions(truth.depths, truth.cameras, truth.cam_from_world, pairs, noise=0.002)
    predictions = [blurred(p, rng) for p in exact]
    evidence = evidence_from_predictions(truth.views, predictions, EvidenceConfig(samples=256))
    start = initialization_of(truth.views, evidence)
    return map_globally(start, truth.views, CONFIG.averaging, refinement)


def test_a_blurred_pair_leaves_and_the_rest_is_solved(scenes, truth):
    (found,), reasons = solved(truth, scenes.all_pairs(range(5)))
    assert list(reasons) == [BLURRED]
    assert reasons[BLURRED].startswith("its points miss by")
    assert BLURRED not in found.scales
    assert BLURRED.swap() in found.scales
    turn = found.cam_from_world[4] @ invert_rigid(
        truth.cam_from_world[4] @ invert_rigid(truth.cam_from_world[0])
    )
    assert rotation_angle_deg(turn[:3, :3]) < 0.2


def test_few_leave_without_another_refinement(scenes, truth, monkeypatch):
    """One pair of twenty is not few; here it is taken for that."""
    lenient = replace(CONFIG.refinement, outliers=replace(CONFIG.refinement.outliers, few=0.06))
    rounds = []
    monkeypatch.setattr(outlier_rejection, "refine", lambda *args: rounds.append(1) or refine(*args))
    (found,), reasons = solved(truth, scenes.all_pairs(range(5)), lenient)
    assert list(reasons) == [BLURRED]
    assert len(rounds) == 1
    assert len(found.scales) == len(found.residual_px) == 19
    expected = truth.cam_from_world[4] @ invert_rigid(truth.cam_from_world[0])
    assert rotation_angle_deg((found.cam_from_world[4] @ invert_rigid(expected))[:3, :3]) < 0.2


def test_what_a_blurred_pair_alone_held_falls_apart(scenes, truth):
    pairs = [*scenes.all_pairs([0, 1, 2]), BLURRED, *scenes.all_pairs([3, 4])]
    found, reasons = solved(truth, pairs)
    assert [component.members for component in found] == [(0, 1, 2), (3, 4)]
    assert list(reasons) == [BLURRED]
