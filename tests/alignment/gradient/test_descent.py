"""Descent against the published one on its own scenes, and what the published one could not do."""

import json
from dataclasses import replace

import numpy as np
import pytest
from published_scenes import NEEDS_PARITY, PARITY, load

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig, align_by_gradient
from dust3r_sfm.alignment.gradient.tree import pair_score, spanning_tree, world_points
from dust3r_sfm.alignment.known_cameras import Presets
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.progress import Silent
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Pair

ADAPTED = GradientConfig(distance="l2", weighting="sqrt", pair_adaptors=True, principal_points=True)


def descended(name, config, presets=None):
    views, predictions, true, _ = load(name)
    options = AlignmentConfig(cameras="per-image", presets=presets or Presets())
    (scene,) = align_by_gradient(views, predictions, options, config, Silent()).scenes
    published = float(np.load(PARITY / f"ga_{name}_official.npz")["final/loss"])
    return scene, scene.report.stages[-1].objective / published, true


def given(name, poses):
    _, _, true, focals = load(name)
    named = {f"{k}.png": pose for k, pose in enumerate(true)}
    known = {f"{k}.png": float(focal) for k, focal in enumerate(focals)}
    return Presets(focal_px=known, cam_from_world=named if poses else {})


class TestPublishedScenes:
    pytestmark = NEEDS_PARITY

    @pytest.mark.parametrize("name", ["n6_complete", "n6_mixed_shapes", "n5_known_focal_linear"])
    def test_same_tree_and_same_registration(self, name):
        views, predictions, _, _ = load(name)
        described = json.loads((PARITY / f"ga_{name}.json").read_text())
        for p in predictions:
            assert pair_score(p) == pytest.approx(
                described["edge_scores"][f"{p.pair.i}_{p.pair.j}"], rel=1e-5
            )
        grown, placed = world_points(predictions, len(views))
        assert [[pair.i, pair.j] for pair, _ in placed] == described["msp_edges_in_order"]
        stored = np.load(PARITY / f"ga_{name}_official.npz")
        for view, points in enumerate(grown):
            np.testing.assert_allclose(points, stored[f"mst/pts3d_{view}"], atol=2e-3)

    def test_same_loss_where_published_focals_are_right(self):
        name = "n5_known_focal_linear"
        _, ratio, _ = descended(name, GradientConfig(schedule="linear"), given(name, poses=False))
        assert ratio == pytest.approx(1.0, abs=0.005)

    def test_same_loss_with_known_poses_which_stay(self):
        name = "n5_known_poses_focals"
        scene, ratio, true = descended(name, GradientConfig(), given(name, poses=True))
        assert ratio == pytest.approx(1.0, abs=0.005)
        np.testing.assert_array_equal(scene.cam_from_world, true)

    def test_lower_loss_where_published_focals_are_wrong(self):
        _, ratio, _ = descended("n6_swin1_onesided", GradientConfig())
        assert ratio < 0.98

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "config"),
        [
            ("n6_complete", GradientConfig()),
            ("n6_mixed_shapes", GradientConfig()),
            ("n5_l2_sqrtconf_adaptors", ADAPTED),
        ],
    )
    def test_lower_loss_on_the_larger_scenes(self, name, config):
        _, ratio, _ = descended(name, config)
        assert ratio < 0.995


SHORT = GradientConfig(iterations=40)


def exact(truth, pairs):
    return synthetic_predictions(truth.depths, truth.cameras, truth.cam_from_world, pairs)


def test_starts_where_exact_predictions_have_it(scenes):
    """The tree of exact pairs is exact, so a short descent leaves it nearly so."""
    truth = scenes.arc([scenes.camera(focal=40.0 + 2 * k) for k in range(4)])
    config = AlignmentConfig(cameras="per-image")
    predictions = exact(truth, scenes.all_pairs(range(4)))
    gradient = replace(SHORT, iterations=1, learning_rate=1e-6)
    (scene,) = align_by_gradient(truth.views, predictions, config, gradient, Silent()).scenes
    start, end = scene.report.stages
    assert (start.name, end.name) == ("start of the descent", "descent")
    assert max(start.median_residual, end.median_residual) < 1e-3 * np.median(scene.depth[0])
    turns = scene.cam_from_world[:, :3, :3] @ np.swapaxes(scene.cam_from_world[:1, :3, :3], -1, -2)
    wanted = truth.cam_from_world[:, :3, :3] @ truth.cam_from_world[0, :3, :3].T
    np.testing.assert_allclose(turns, wanted, atol=1e-4)
    assert [c.fx for c in scene.cameras] == pytest.approx([c.fx for c in truth.cameras], rel=1e-4)
    scale = np.median(truth.depths[0] / scene.depth[0])
    for found, true in zip(scene.depth, truth.depths, strict=True):
        np.testing.assert_allclose(found * scale, true, rtol=1e-3)


def test_components_end_and_are_scenes(scenes):
    """Where the published code runs for ever."""
    truth = scenes.arc([scenes.camera()] * 6)
    pairs = [*scenes.all_pairs([0, 2, 4]), *scenes.all_pairs([1, 3])]
    result = align_by_gradient(truth.views, exact(truth, pairs), AlignmentConfig(), SHORT, Silent())
    assert [[v.name for v in scene.views] for scene in result.scenes] == [
        ["00.png", "02.png", "04.png"],
        ["01.png", "03.png"],
    ]
    assert list(result.dropped) == ["05.png"]


def test_one_known_pose_stays(scenes):
    """Where the published code raises."""
    truth = scenes.arc([scenes.camera()] * 3)
    presets = Presets(cam_from_world={"01.png": truth.cam_from_world[1]})
    config = AlignmentConfig(presets=presets)
    predictions = exact(truth, scenes.all_pairs(range(3)))
    (scene,) = align_by_gradient(truth.views, predictions, config, SHORT, Silent()).scenes
    np.testing.assert_array_equal(scene.cam_from_world[1], truth.cam_from_world[1])
    relative = scene.cam_from_world[0] @ invert_rigid(scene.cam_from_world[1])
    wanted = truth.cam_from_world[0] @ invert_rigid(truth.cam_from_world[1])
    np.testing.assert_allclose(relative[:3, :3], wanted[:3, :3], atol=0.02)


def test_tree_is_the_strongest_and_grows_from_its_strongest_pair():
    pairs = [Pair(0, 1), Pair(1, 2), Pair(2, 3), Pair(3, 0), Pair(0, 2)]
    assert spanning_tree(pairs, [1.0, 5.0, 2.0, 4.0, 3.0], 4) == [Pair(1, 2), Pair(0, 2), Pair(3, 0)]


def test_no_predictions_no_scene(scenes):
    truth = scenes.arc([scenes.camera()] * 2)
    result = align_by_gradient(truth.views, [], AlignmentConfig(), SHORT, Silent())
    assert result.scenes == ()
    assert len(result.dropped) == 2
