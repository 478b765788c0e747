"""Synthetic predictions: exact without faults, and with faults of just the size that was asked for."""

from itertools import permutations

import numpy as np
import pytest

from dust3r_sfm.geometry import invert_rigid, pixel_grid, project, transform_points
from dust3r_sfm.synthetic.cameras import Rig, arc_cameras
from dust3r_sfm.synthetic.predictions import CONFIDENT, synthetic_predictions
from dust3r_sfm.synthetic.rendering.render import Surface, render_depth
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import Pair, PairPrediction

COUNT = 4
PAIRS = [Pair(i, j) for i, j in permutations(range(COUNT), 2)]


@pytest.fixture(scope="module")
def rig() -> Rig:
    scene = room_scene(0)
    return arc_cameras(scene, 3, 96, 72, 80.0).join(arc_cameras(scene, 1, 64, 80, 70.0, seed=2))


@pytest.fixture(scope="module")
def surfaces(rig: Rig) -> list[Surface]:
    scene = room_scene(0)
    return [render_depth(scene, c, p) for c, p in zip(rig.cameras, rig.cam_from_world, strict=True)]


def predictions(
    rig: Rig,
    surfaces: list[Surface],
    noise: float = 0.0,
    outlier_fraction: float = 0.0,
    wrong_pair_fraction: float = 0.0,
    max_correspondences: int = 0,
) -> list[PairPrediction]:
    depths = [surface.depth for surface in surfaces]
    faults = (noise, outlier_fraction, wrong_pair_fraction, max_correspondences)
    return synthetic_predictions(depths, rig.cameras, rig.cam_from_world, PAIRS, *faults, seed=5)


def i_from_j(rig: Rig, pair: Pair) -> np.ndarray:
    return rig.cam_from_world[pair.i] @ invert_rigid(rig.cam_from_world[pair.j])


def scale_of(prediction: PairPrediction, surfaces: list[Surface]) -> float:
    return float(np.median(prediction.points_i[..., 2] / surfaces[prediction.pair.i].depth))


def test_without_faults_both_pointmaps_are_the_surface_times_one_scale(
    rig: Rig, surfaces: list[Surface]
) -> None:
    scales = []
    for prediction in predictions(rig, surfaces):
        i, j = prediction.pair.i, prediction.pair.j
        scale = scale_of(prediction, surfaces)
        expected = transform_points(i_from_j(rig, prediction.pair), surfaces[j].points.reshape(-1, 3))
        assert np.allclose(prediction.points_i, scale * surfaces[i].points, atol=1e-12)
        assert np.allclose(prediction.points_j.reshape(-1, 3), scale * expected, atol=1e-12)
        assert (prediction.confidence_i == CONFIDENT).all()
        assert (prediction.confidence_j == CONFIDENT).all()
        scales.append(scale)
    assert 0.5 <= min(scales) < 0.8
    assert 1.25 < max(scales) <= 2.0


def test_correspondences_are_exact_and_mutually_visible(rig: Rig, surfaces: list[Surface]) -> None:
    for prediction in predictions(rig, surfaces, max_correspondences=300):
        i, j, matches = prediction.pair.i, prediction.pair.j, prediction.correspondences
        assert matches is not None
        assert 100 < len(matches) <= 300
        column, row = (matches.pixels_i - 0.5).astype(int).T
        in_j = transform_points(invert_rigid(i_from_j(rig, prediction.pair)), surfaces[i].points[row, column])
        assert np.abs(project(in_j, rig.cameras[j]) - matches.pixels_j).max() < 1e-9
        column, row = matches.pixels_j.astype(int).T
        ratio = surfaces[j].depth[row, column] / in_j[:, 2]
        assert np.quantile(np.abs(ratio - 1), 0.95) < 0.05


def test_noise_is_isotropic_with_sigma_relative_to_depth(rig: Rig, surfaces: list[Surface]) -> None:
    clean, noisy = predictions(rig, surfaces), predictions(rig, surfaces, noise=0.02)
    for a, b in zip(clean, noisy, strict=True):
        depth = surfaces[a.pair.i].depth
        residual = b.points_i / scale_of(b, surfaces) - a.points_i / scale_of(a, surfaces)
        # the median depth ratio gives the noisy scale only to some 0.05 %
        assert np.allclose((residual / depth[..., None]).std(axis=(0, 1)), 0.02, rtol=0.05)


def test_outliers_are_confident_stay_on_their_rays_and_have_the_share_asked_for(
    rig: Rig, surfaces: list[Surface]
) -> None:
    for prediction in predictions(rig, surfaces, outlier_fraction=0.2):
        i = prediction.pair.i
        ratio = prediction.points_i[..., 2] / surfaces[i].depth / scale_of(prediction, surfaces)
        assert abs((np.abs(ratio - 1) > 1e-9).mean() - 0.2) < 0.03
        height, width = surfaces[i].depth.shape
        pixels = project(prediction.points_i, rig.cameras[i])
        assert np.abs(pixels - pixel_grid(height, width)).max() < 1e-9
        assert (prediction.confidence_i == CONFIDENT).all()


def test_wrong_pairs_are_rigid_nonsense_that_both_directions_agree_on(
    rig: Rig, surfaces: list[Surface]
) -> None:
    implied = {}
    for prediction in predictions(rig, surfaces, wrong_pair_fraction=0.34):
        points = prediction.points_j.reshape(-1, 3) / scale_of(prediction, surfaces)
        target = surfaces[prediction.pair.j].points.reshape(-1, 3)
        homogeneous = np.concatenate([target, np.ones((len(target), 1))], axis=-1)
        motion = np.linalg.lstsq(homogeneous, points, rcond=None)[0].T
        assert np.allclose(motion[:, :3] @ motion[:, :3].T, np.eye(3), atol=1e-9)
        implied[prediction.pair] = np.concatenate([motion, [[0, 0, 0, 1]]])
    wrong = [pair for pair in PAIRS if not np.allclose(implied[pair], i_from_j(rig, pair), atol=1e-6)]
    assert len(wrong) == 4, "two of the six undirected pairs"
    for pair in PAIRS:
        assert np.allclose(implied[pair] @ implied[pair.swap()], np.eye(4), atol=1e-9)


def test_missing_depth_has_confidence_one_and_no_correspondences(rig: Rig, surfaces: list[Surface]) -> None:
    depths = [surface.depth.copy() for surface in surfaces]
    depths[0][:, :48] = 0.0
    prediction = synthetic_predictions(
        depths, rig.cameras, rig.cam_from_world, [Pair(0, 1)], noise=0.01, outlier_fraction=0.1,
        max_correspondences=200,
    )[0]  # fmt: skip
    assert (prediction.confidence_i[:, :48] == 1.0).all()
    assert not prediction.points_i[:, :48].any()
    assert (prediction.confidence_i[:, 48:] == CONFIDENT).all()
    assert prediction.correspondences is not None
    assert prediction.correspondences.pixels_i[:, 0].min() > 48
