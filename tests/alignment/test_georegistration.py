"""Scenes moved to where their cameras are known to stand."""

import numpy as np
import pytest
from ball_room import scenes_with_depth

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.georegistration import (
    GeoregistrationConfig,
    centres_of,
    georegister,
    robust_similarity,
    scale_scene,
)
from dust3r_sfm.evidence import evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector, transform_points
from dust3r_sfm.synthetic.predictions import synthetic_predictions

SIMILARITY = rigid(2.5 * rotation_from_vector(np.array([0.3, -1.2, 0.4])), np.array([10.0, -3.0, 7.0]))


@pytest.fixture
def truth(scenes):
    return scenes.arc([scenes.camera()] * 5)


@pytest.fixture
def scene(scenes, truth):
    pairs = scenes.all_pairs(range(5))
    predictions = synthetic_predictions(
        truth.depths, truth.cameras, truth.cam_from_world, pairs, max_correspondences=300
    )
    config = AlignmentConfig(cameras="shared")
    return scenes_with_depth(truth.views, evidence_from_predictions(truth.views, predictions), config).scenes[
        0
    ]


def true_positions(truth):
    centres = invert_rigid(truth.cam_from_world)[:, :3, 3]
    return {view.name: centre for view, centre in zip(truth.views, centres, strict=True)}


def test_cameras_points_and_depth_are_those_of_the_known_world(scene, truth):
    found = georegister(scene, true_positions(truth), "metres", seed=0)
    np.testing.assert_allclose(found.cam_from_world, truth.cam_from_world, atol=1e-3)
    for depth, true in zip(found.depth, truth.depths, strict=True):
        np.testing.assert_allclose(np.median(depth / true), 1.0, atol=1e-3)
    tracks, view = found.tracks, 0
    rows = tracks.view_index == view
    seen = transform_points(found.cam_from_world[view], tracks.xyz[tracks.point_index[rows]])
    camera = found.cameras[view]
    pixels = seen[:, :2] / seen[:, 2:] * [camera.fx, camera.fy] + [camera.cx, camera.cy]
    np.testing.assert_allclose(pixels, tracks.pixels[rows], atol=0.05)
    assert found.report.world.startswith("metres, from the positions of 5 photos (median error")


def test_too_few_positions_place_nothing(scene, truth):
    two = dict(list(true_positions(truth).items())[:2])
    alike = dict.fromkeys(true_positions(truth), np.zeros(3))
    for positions, reason in ((two, "2 of its photos have a position"), (alike, "in one place")):
        found = georegister(scene, positions, "metres", seed=0)
        assert reason in found.report.unplaced
        assert found.report.world == scene.report.world
        np.testing.assert_array_equal(found.cam_from_world, scene.cam_from_world)


def test_positions_that_tell_another_story_place_nothing(scene, truth):
    rng = np.random.default_rng(1)
    elsewhere = {name: rng.uniform(-100.0, 100.0, 3) for name in true_positions(truth)}
    found = georegister(scene, elsewhere, "metres", seed=0)
    assert "0 fit its cameras (median error" in found.report.unplaced
    np.testing.assert_array_equal(found.cam_from_world, scene.cam_from_world)


def test_noise_of_a_tenth_of_the_rig_is_usual(scene, truth):
    rng = np.random.default_rng(2)
    positions = true_positions(truth)
    reach = np.ptp(list(positions.values()), axis=0).max() / 2
    noisy = {name: place + 0.1 * reach * rng.standard_normal(3) for name, place in positions.items()}
    assert georegister(scene, noisy, "metres", seed=0).report.unplaced == ""


def test_positions_on_a_line_say_so(scene, truth):
    line = {name: np.array([float(k), 0.0, 0.0]) for k, name in enumerate(true_positions(truth))}
    assert "on one line" in georegister(scene, line, "metres", seed=0).report.world


def test_a_third_of_gross_errors_does_not_matter():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((12, 3))
    wanted = transform_points(SIMILARITY, points) + 1e-4 * rng.standard_normal((12, 3))
    wanted[::3] += rng.uniform(5.0, 20.0, (4, 3))
    np.testing.assert_allclose(
        robust_similarity(points, wanted, 0, GeoregistrationConfig()), SIMILARITY, atol=2e-3
    )


def test_a_scaled_scene_has_longer_ways_and_greater_depths(scene):
    found = scale_scene(scene, 3.0, "metres")
    before, after = centres_of(scene), centres_of(found)
    for name, centre in before.items():
        np.testing.assert_allclose(after[name], 3.0 * centre, atol=1e-9)
    np.testing.assert_allclose(found.depth[0], 3.0 * scene.depth[0], rtol=1e-6)
    assert found.report.world == "metres"
