import numpy as np
import pytest

from dust3r_sfm.dense.depth_correction import DepthCorrectionConfig, correct_depth, inverse_depth_correction
from dust3r_sfm.dense.depth_fusion import DepthFusionConfig, fuse_depth, fuse_pixels, fuse_view, select_maps
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import (
    AlignmentReport,
    Pair,
    PairGeometry,
    PairReport,
    Reconstruction,
    Scene,
    Tracks,
    View,
)

CONFIG = DepthFusionConfig()


def test_agreeing_maps_gain_confidence_and_average():
    depth = np.array([[2.0], [2.01], [1.99]])
    fused, confidence = fuse_pixels(depth, np.full((3, 1), 5.0), CONFIG)
    assert fused[0] == pytest.approx(2.0, rel=1e-3)
    assert confidence[0] > 6.0


def test_one_map_alone_keeps_its_confidence():
    fused, confidence = fuse_pixels(np.array([[3.0], [0.0]]), np.array([[4.0], [1.0]]), CONFIG)
    assert fused[0] == pytest.approx(3.0)
    assert confidence[0] == pytest.approx(4.0)


def test_the_majority_wins_and_equal_disagreement_knows_nothing():
    fused, confidence = fuse_pixels(
        np.array([[2.0, 2.0], [2.0, 9.0], [7.0, 0.0]]), np.full((3, 2), 5.0), CONFIG
    )
    assert fused[0] == pytest.approx(2.0, rel=1e-3)
    assert 1.0 < confidence[0] < 5.0
    assert confidence[1] == pytest.approx(1.0, abs=1e-3)


def test_unknown_everywhere_is_depth_zero_confidence_one():
    fused, confidence = fuse_pixels(np.zeros((2, 1)), np.ones((2, 1)), CONFIG)
    assert fused[0] == 0.0
    assert confidence[0] == 1.0


def test_correction_is_exact_despite_outliers():
    rng = np.random.default_rng(0)
    inverse = rng.uniform(0.2, 1.0, 100)
    wanted = 0.9 * inverse + 0.05
    wanted[::5] *= 1.2
    assert inverse_depth_correction(inverse, wanted, DepthCorrectionConfig()) == pytest.approx(
        (0.9, 0.05), abs=1e-3
    )


def test_depth_is_corrected_by_many_tracks_and_left_by_few():
    rng = np.random.default_rng(1)
    depth = rng.uniform(1.0, 4.0, (20, 30))
    true = 1.0 / (0.9 / depth + 0.05)
    pixels = rng.uniform([0, 0], [30, 20], (80, 2))
    at_tracks = true[pixels[:, 1].astype(int), pixels[:, 0].astype(int)]
    np.testing.assert_allclose(correct_depth(depth, pixels, at_tracks, CONFIG.correction), true, rtol=1e-6)
    np.testing.assert_array_equal(correct_depth(depth, pixels[:10], at_tracks[:10], CONFIG.correction), depth)


def test_depth_that_correction_takes_away_lends_no_confidence():
    """What is known of a pixel then is what other maps say, or nothing."""
    view = View("0.png", np.zeros((1, 3, 3), np.uint8), np.eye(3), (3, 1))
    sure = np.array([[2.0, 0.0, 0.0]], np.float32), np.full((1, 3), 10.0, np.float32)
    unsure = np.array([[0.0, 2.0, 0.0]], np.float32), np.array([[1.0, 1.2, 1.0]], np.float32)
    fused = fuse_view([sure, unsure], view, CONFIG)
    np.testing.assert_array_equal(fused.depth, [[2.0, 2.0, 0.0]])
    np.testing.assert_array_equal(fused.confidence, np.array([[10.0, 1.2, 1.0]], np.float32))


def test_each_pair_counts_once_and_wrong_ones_not():
    own, other, lone = Pair(0, 1), Pair(1, 0), Pair(2, 0)
    kept = [own, lone, other]
    assert select_maps(kept, 0, [own, other, lone], 8) == [own, lone]
    assert select_maps(kept, 0, [own, other, lone], 1) == [own]
    assert select_maps(kept, 0, [other, lone], 8) == [lone, other], "the direction that is left"


@pytest.mark.parametrize("gone", [Pair(0, 1), Pair(1, 0), None])
def test_both_directions_give_the_same_exact_depth(scenes, gone):
    """Also where alignment drops the one in the view's own frame."""
    truth = scenes.arc([scenes.camera()] * 2)
    pairs = scenes.all_pairs(range(2))
    predictions = synthetic_predictions(truth.depths, truth.cameras, truth.cam_from_world, pairs)
    scales = {
        p.pair: float(np.median(truth.depths[p.pair.i] / p.points_i[..., 2]))
        for p in predictions
        if p.pair != gone
    }
    evidence = evidence_from_predictions(truth.views, predictions, EvidenceConfig(samples=100))
    reports = [PairReport(p, True, PairGeometry.GENERAL, 0, 0.0, scale=s) for p, s in scales.items()]
    posed = Scene(
        tuple(truth.views),
        tuple(truth.cameras),
        truth.cam_from_world,
        *2 * (tuple(np.zeros_like(depth) for depth in truth.depths),),
        Tracks.empty(),
        AlignmentReport(tuple(reports), "not run"),
    )
    fused = fuse_depth(Reconstruction((posed,), {}), truth.views, evidence).scenes[0]
    for view, depth in enumerate(truth.depths):
        assert (fused.confidence[view] > 1).all()
        np.testing.assert_allclose(fused.depth[view], depth, rtol=2e-3)
