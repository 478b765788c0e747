"""The whole of alignment on predictions whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from ball_room import scenes_with_depth

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Pair, PairGeometry, View

CONFIG = AlignmentConfig(bundle=None)
SAMPLED = EvidenceConfig(samples=400)


def pairwise_errors(scene, truth):
    """Largest relative rotation and baseline direction error over all pairs of views, in degrees."""
    order = [int(view.name[:2]) for view in scene.views]
    true = truth.cam_from_world[order]
    rotation, direction = [], []
    for i in range(len(order)):
        for j in range(i):
            found = scene.cam_from_world[j] @ invert_rigid(scene.cam_from_world[i])
            wanted = true[j] @ invert_rigid(true[i])
            rotation.append(rotation_angle_deg((found[:3, :3] @ wanted[:3, :3].T)[None])[0])
            a, b = found[:3, 3], wanted[:3, 3]
            direction.append(
                np.degrees(2 * np.arcsin(np.linalg.norm(a / np.linalg.norm(a) - b / np.linalg.norm(b)) / 2))
            )
    return max(rotation), max(direction)


def focal_errors(scene, truth):
    order = [int(view.name[:2]) for view in scene.views]
    return max(abs(c.fx / truth.cameras[k].fx - 1) for k, c in zip(order, scene.cameras, strict=True))


def predict(truth, pairs, **faults):
    return synthetic_predictions(truth.depths, truth.cameras, truth.cam_from_world, pairs, **faults)


def is_wrong(prediction, truth):
    """Whether points_j are nowhere near where camera i has them."""
    i, j = prediction.pair.i, prediction.pair.j
    j_from_i = truth.cam_from_world[j] @ invert_rigid(truth.cam_from_world[i])
    scale = np.median(prediction.points_i[..., 2] / truth.depths[i])
    depth = prediction.points_j / scale @ j_from_i[2, :3] + j_from_i[2, 3]
    return np.median(np.abs(depth / truth.depths[j] - 1)) > 0.05


def run(truth, predictions, **options):
    return run_views(truth.views, predictions, **options)


def run_views(views, predictions, **options):
    evidence = evidence_from_predictions(views, predictions, SAMPLED)
    return scenes_with_depth(views, evidence, replace(CONFIG, **options))


def test_exact_predictions_give_exact_cameras_and_depth(scenes):
    truth = scenes.arc([scenes.camera()] * 6)
    result = run(truth, predict(truth, scenes.all_pairs(range(6))))
    (scene,) = result.scenes
    assert result.dropped == {}
    rotation, direction = pairwise_errors(scene, truth)
    assert rotation < 0.01
    assert direction < 0.01
    assert focal_errors(scene, truth) < 1e-4
    scale = np.median(truth.depths[0] / scene.depth[0])
    for found, true in zip(scene.depth, truth.depths, strict=True):
        assert np.median(np.abs(found * scale / true - 1)) < 1e-3
    assert all(report.used and report.reason is None for report in scene.report.pairs)


def test_mixed_focals_sizes_and_one_direction(scenes):
    truth = scenes.arc(
        [scenes.camera(48, 36, 40.0 + 4 * k) if k % 2 else scenes.camera(36, 48, 52.0 - k) for k in range(7)]
    )
    pairs = [Pair(i, j) for i in range(7) for j in range(7) if 0 < i - j <= 2]
    (scene,) = run(truth, predict(truth, pairs), cameras="per-image").scenes
    rotation, direction = pairwise_errors(scene, truth)
    assert len(scene.views) == 7
    assert rotation < 0.01
    assert direction < 0.01
    assert focal_errors(scene, truth) < 1e-4


def test_noise_outliers_and_wrong_pairs(scenes):
    truth = scenes.arc([scenes.camera()] * 8)
    pairs = scenes.all_pairs(range(8))
    predictions = predict(truth, pairs, noise=0.01, outlier_fraction=0.03, wrong_pair_fraction=0.1, seed=3)
    wrong = {p.pair for p in predictions if is_wrong(p, truth)}
    assert len(wrong) == 6
    (scene,) = run(truth, predictions).scenes
    assert {report.pair for report in scene.report.pairs if not report.used} == wrong
    assert all(report.reason for report in scene.report.pairs if not report.used)
    rotation, direction = pairwise_errors(scene, truth)
    assert rotation < 1.0
    assert direction < 2.0


def test_exact_matches_are_sharpened_to_exact_cameras(scenes):
    truth = scenes.arc([scenes.camera()] * 6)
    predictions = predict(truth, scenes.all_pairs(range(6)), max_correspondences=150)
    (scene,) = run(truth, predictions, bundle=BundleConfig()).scenes
    assert scene.report.bundle_adjustment.startswith("kept") or scene.report.robust_error_before_px < 1e-3
    rotation, direction = pairwise_errors(scene, truth)
    assert rotation < 0.01
    assert direction < 0.01
    assert focal_errors(scene, truth) < 1e-4
    assert len(scene.tracks.xyz) > 150
    counts = np.bincount(scene.tracks.point_index)
    assert counts.min() >= 2
    scale = np.median(truth.depths[0] / scene.depth[0])
    for found, true in zip(scene.depth, truth.depths, strict=True):
        assert np.median(np.abs(found * scale / true - 1)) < 1e-3


def test_all_faults_together_are_sharpened_away(scenes):
    """The wrong pairs' matches agree with their wrong poses."""
    truth = scenes.arc([scenes.camera()] * 8)
    faults = {"noise": 0.01, "outlier_fraction": 0.03, "wrong_pair_fraction": 0.1, "seed": 3}
    predictions = predict(truth, scenes.all_pairs(range(8)), max_correspondences=150, **faults)
    result = run(truth, predictions, bundle=BundleConfig())
    (scene,) = result.scenes
    assert result.dropped == {}
    assert scene.report.robust_error_after_px < scene.report.robust_error_before_px
    rotation, direction = pairwise_errors(scene, truth)
    assert rotation < 0.05
    assert direction < 0.1
    assert focal_errors(scene, truth) < 2e-3


def test_matches_take_part(scenes):
    """Depths know little here, but matches are exact: they must lower the error a lot."""
    truth = scenes.arc([scenes.camera()] * 4)
    pairs = scenes.all_pairs(range(4))
    errors = []
    for count in (0, 200):
        predictions = predict(truth, pairs, noise=0.03, max_correspondences=count, seed=1)
        errors.append(pairwise_errors(run(truth, predictions).scenes[0], truth))
    assert errors[1][0] < 0.7 * errors[0][0]


def test_a_turn_on_the_spot_helps_rotations_and_cannot_place_a_view(scenes):
    truth = scenes.arc([scenes.camera()] * 4)
    pairs = scenes.all_pairs(range(4))
    predictions = predict(truth, pairs, max_correspondences=200)
    lone = {Pair(2, 3), Pair(3, 2)}
    turned = [replace(p, geometry=PairGeometry.ROTATION_ONLY) for p in predictions if p.pair in lone]
    kept = [p for p in predictions if 3 not in (p.pair.i, p.pair.j)]
    result = run(truth, kept + turned)
    (scene,) = result.scenes
    assert len(scene.views) == 3
    assert "turning on the spot" in result.dropped["03.png"]
    unused = [report for report in scene.report.pairs if not report.used]
    assert {report.pair for report in unused} == lone
    assert all("not in this scene" in report.reason for report in unused)


def test_unrelated_pairs_are_left_out(scenes):
    truth = scenes.arc([scenes.camera()] * 3)
    predictions = predict(truth, scenes.all_pairs(range(3)))
    predictions[0] = replace(predictions[0], geometry=PairGeometry.UNRELATED)
    (scene,) = run(truth, predictions).scenes
    unused = [report for report in scene.report.pairs if not report.used]
    assert [report.pair for report in unused] == [predictions[0].pair]
    assert "nothing in common" in unused[0].reason


def test_components_become_scenes_and_lone_views_say_why(scenes):
    truth = scenes.arc([scenes.camera()] * 6, step_deg=10.0)
    pairs = [*scenes.all_pairs([0, 2, 4]), *scenes.all_pairs([1, 3])]
    result = run(truth, predict(truth, pairs))
    assert [[view.name for view in scene.views] for scene in result.scenes] == [
        ["00.png", "02.png", "04.png"],
        ["01.png", "03.png"],
    ]
    assert list(result.dropped) == ["05.png"]
    assert "no pair" in result.dropped["05.png"]
    for scene in result.scenes:
        rotation, direction = pairwise_errors(scene, truth)
        assert rotation < 0.01
        assert direction < 0.02


def test_same_input_same_output(scenes):
    truth = scenes.arc([scenes.camera()] * 4)
    predictions = predict(truth, scenes.all_pairs(range(4)), noise=0.01, outlier_fraction=0.03)
    (first,), (second,) = (run(truth, predictions).scenes for _ in range(2))
    np.testing.assert_array_equal(first.cam_from_world, second.cam_from_world)
    np.testing.assert_array_equal(first.depth[0], second.depth[0])


def test_resized_and_turned_views_of_one_camera_share_its_focal(scenes):
    """View 1 was stored lying on its side and shown at half the size of the others."""
    truth = scenes.arc([scenes.camera(), scenes.camera(18, 24, 22.0), scenes.camera()])
    half, turned = 0.5, np.array([[0.0, -1.0, 36.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    affine = np.diag([half, half, 1.0]) @ turned
    views = list(truth.views)
    views[1] = View("01.png", views[1].image, affine, (48, 36))
    result = run_views(views, predict(truth, scenes.all_pairs(range(3))))
    (scene,) = result.scenes
    assert focal_errors(scene, truth) < 1e-4
    assert scene.cameras[1].fx * 2 == pytest.approx(scene.cameras[0].fx)


def test_masked_and_unknown_pixels_have_no_depth(scenes):
    truth = scenes.arc([scenes.camera()] * 3)
    mask = np.ones((36, 48), dtype=bool)
    mask[:10] = False
    views = [replace(view, mask=mask) for view in truth.views]
    (scene,) = run_views(views, predict(truth, scenes.all_pairs(range(3)))).scenes
    assert (scene.depth[1][:10] == 0).all()
    assert (scene.confidence[1][:10] == 1).all()
    assert (scene.depth[1][10:] > 0).all()
    assert (scene.confidence[1][10:] > 10).all()


def test_nothing_usable_is_no_scene_and_a_reason_each(scenes):
    truth = scenes.arc([scenes.camera()] * 2)
    blank = [
        replace(p, confidence_i=np.ones_like(p.confidence_i), confidence_j=np.ones_like(p.confidence_j))
        for p in predict(truth, scenes.all_pairs(range(2)))
    ]
    result = run(truth, blank)
    assert result.scenes == ()
    assert all("too few points" in result.dropped[view.name] for view in truth.views)
