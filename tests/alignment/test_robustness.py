"""Pairs that are confidently wrong, pairs that are missing, and places that look alike."""

from dataclasses import replace

import numpy as np
import pytest
from ball_room import scenes_with_depth

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Pair

FAULTS = {"noise": 0.01, "outlier_fraction": 0.03}
CONFIG = AlignmentConfig(bundle=None)


def aligned(truth, predictions):
    evidence = evidence_from_predictions(truth.views, predictions, EvidenceConfig(samples=256))
    return scenes_with_depth(truth.views, evidence, CONFIG)


def predicted(truth, pairs, wrong_share=0.0, seed=0):
    return synthetic_predictions(
        truth.depths,
        truth.cameras,
        truth.cam_from_world,
        pairs,
        wrong_pair_fraction=wrong_share,
        seed=seed,
        **FAULTS,
    )


def wrong_pairs(truth, predictions):
    """Those whose points_j are nowhere near where camera i has them."""
    out = set()
    for p in predictions:
        j_from_i = truth.cam_from_world[p.pair.j] @ invert_rigid(truth.cam_from_world[p.pair.i])
        scale = np.median(p.points_i[..., 2] / truth.depths[p.pair.i])
        depth = p.points_j / scale @ j_from_i[2, :3] + j_from_i[2, 3]
        if np.median(np.abs(depth / truth.depths[p.pair.j] - 1)) > 0.05:
            out.add(p.pair)
    return out


def ate_over_extent(scene, true):
    order = [int(view.name[:2]) for view in scene.views]
    found, wanted = (invert_rigid(poses)[:, :3, 3] for poses in (scene.cam_from_world, true[order]))
    moved = transform_points(umeyama(found, wanted, np.ones(len(found))), found)
    extent = np.linalg.norm(wanted - wanted.mean(axis=0), axis=1).max()
    return np.sqrt(((moved - wanted) ** 2).sum(axis=1).mean()) / extent


def neighbours(pairs, reach):
    return [pair for pair in pairs if abs(pair.i - pair.j) <= reach]


@pytest.mark.parametrize(
    ("share", "reach"),
    [
        (0.3, 9),
        (0.1, 5),
        pytest.param(0.1, 9, marks=pytest.mark.slow),
        pytest.param(0.2, 9, marks=pytest.mark.slow),
        pytest.param(0.3, 5, marks=pytest.mark.slow),
    ],
)
def test_confident_nonsense_is_dropped(scenes, share, reach):
    truth = scenes.arc([scenes.camera()] * 10)
    pairs = neighbours(scenes.all_pairs(range(10)), reach)
    predictions = predicted(truth, pairs, share, seed=1)
    wrong = wrong_pairs(truth, predictions)
    assert len(wrong) >= round(share * len(pairs) / 2) * 2 - 4
    (scene,) = aligned(truth, predictions).scenes
    unused = {report.pair for report in scene.report.pairs if not report.used}
    assert len(unused & wrong) >= 0.95 * len(wrong)
    assert len(unused - wrong) <= 0.05 * (len(pairs) - len(wrong))
    assert scene.report.repeated_structure == ()
    kept = [p for p in predicted(truth, pairs, seed=1) if p.pair not in wrong]
    (clean,) = aligned(truth, kept).scenes
    assert ate_over_extent(scene, truth.cam_from_world) < max(
        1.5 * ate_over_extent(clean, truth.cam_from_world), 5e-4
    )


@pytest.mark.parametrize("seed", [0, 4])
def test_views_are_kept_in_a_sparse_window(scenes, seed):
    """Windows that do not close, 30 % nonsense: dropping what disagrees with a first average loses two views
    and four here, though triplets of good pairs hold them."""
    truth = scenes.ring([scenes.camera(32, 24, 29.0)] * 10)
    pairs = neighbours(scenes.all_pairs(range(10)), 3)
    predictions = predicted(truth, pairs, 0.3, seed)
    wrong = wrong_pairs(truth, predictions)
    (scene,) = aligned(truth, predictions).scenes
    assert len(scene.views) == 10
    assert {report.pair for report in scene.report.pairs if not report.used} == wrong
    assert ate_over_extent(scene, truth.cam_from_world) < 0.002


@pytest.mark.parametrize("seed", range(2))
def test_missing_pairs(scenes, seed):
    truth = scenes.arc([scenes.camera()] * 10)
    pairs = neighbours(scenes.all_pairs(range(10)), 4)
    left = np.random.default_rng(seed).permutation(len(pairs))[: round(0.7 * len(pairs))]
    (scene,) = aligned(truth, predicted(truth, [pairs[k] for k in left], seed=seed)).scenes
    assert len(scene.views) == 10
    assert ate_over_extent(scene, truth.cam_from_world) < 0.002


def twin_rooms(scenes, links, mistaken):
    """Even views are in one room, odd ones in a like one 3 units beside. So many pairs across know that, and
    so many take one room for the other."""
    rng = np.random.default_rng(0)
    truth = scenes.arc([scenes.camera()] * 12)
    true = truth.cam_from_world.copy()
    true[1::2] = true[1::2] @ np.array([[1, 0, 0, -3.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    across = [(i, j) for i in range(0, 12, 2) for j in range(1, 12, 2)]
    chosen = [across[k] for k in rng.permutation(len(across))[: links + mistaken]]
    pairs = [pair for i, j in chosen for pair in (Pair(i, j), Pair(j, i))]
    inside = [pair for pair in scenes.all_pairs(range(12)) if (pair.i - pair.j) % 2 == 0]
    apart = replace(truth, cam_from_world=true)
    predictions = predicted(apart, inside + pairs[: 2 * links])
    return apart, predictions + predicted(truth, pairs[2 * links :], seed=7), set(pairs[2 * links :])


def test_more_pairs_that_know_two_rooms_apart_win_and_the_others_are_reported(scenes):
    apart, predictions, mistaken = twin_rooms(scenes, links=8, mistaken=4)
    (scene,) = aligned(apart, predictions).scenes
    assert ate_over_extent(scene, apart.cam_from_world) < 0.002
    assert set(scene.report.repeated_structure) == mistaken
    reasons = {r.pair: r.reason for r in scene.report.pairs}
    assert all("look alike" in reasons[pair] for pair in mistaken)


def test_two_rooms_in_one_place_are_reported(scenes):
    """The true ones are outvoted here, which pairs alone cannot show; that they disagree can be seen."""
    apart, predictions, mistaken = twin_rooms(scenes, links=4, mistaken=8)
    (scene,) = aligned(apart, predictions).scenes
    reported = set(scene.report.repeated_structure)
    assert len(reported) == 8
    assert not reported & mistaken
