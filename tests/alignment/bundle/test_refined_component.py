"""When a component is sharpened and when not, and what is left of it afterwards."""

from dataclasses import replace

import numpy as np
import pytest
from posed_scene import CONFIG, largest_turn_deg, posed_scene, true_solution

from dust3r_sfm.alignment.bundle import refined_component
from dust3r_sfm.alignment.bundle.refined_component import pose

USED_MEMBERS = (0, 2, 3)


@pytest.fixture(scope="module")
def scene(scenes):
    """Views 0, 2 and 3 of four: indices among all are not indices among members."""
    truth = scenes.arc([scenes.camera()] * 4)
    pairs = scenes.all_pairs(USED_MEMBERS)
    return posed_scene(truth, pairs, pairs, USED_MEMBERS)


@pytest.fixture
def solved(scene, scenes):
    return true_solution(scene.truth, scene.start, scenes.all_pairs(USED_MEMBERS), USED_MEMBERS)


def test_sharpening_keeps_what_was_right_and_finds_tracks(scene, solved):
    assert scene.posed.members == USED_MEMBERS
    assert largest_turn_deg(scene, scene.posed) < 0.01
    assert set(scene.posed.tracks.view_index.tolist()) == {0, 1, 2}
    assert scene.posed.scales == pytest.approx(solved.scales, rel=1e-3)


def test_sharpening_mends_what_was_not(scene, solved):
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal(solved.cam_from_world.shape) * [[[0] * 3 + [1]] * 3 + [[0] * 4]]
    wider = tuple(replace(camera, fx=1.02 * camera.fx, fy=1.02 * camera.fy) for camera in solved.cameras)
    start = replace(solved, cam_from_world=solved.cam_from_world + noise, cameras=wider)
    posed, gone = pose(start, scene.truth.views, scene.start, CONFIG)
    assert not gone
    assert posed.bundle_adjustment.startswith("kept")
    assert posed.robust_error_after_px < 0.2 * posed.robust_error_before_px
    assert largest_turn_deg(scene, posed) < 0.02


def test_switched_off(scene, solved):
    posed, gone = pose(solved, scene.truth.views, scene.start, replace(CONFIG, bundle_adjustment=False))
    assert (posed.bundle_adjustment, gone) == ("not run: switched off", {})
    assert len(posed.tracks.xyz) == 0
    np.testing.assert_array_equal(posed.cam_from_world, solved.cam_from_world)


def test_no_correspondences(scene, solved):
    posed, _ = pose(solved, scene.truth.views, replace(scene.start, correspondences={}), CONFIG)
    assert posed.bundle_adjustment == "not run: no correspondences"


def test_given_cameras_stay(scene, solved):
    given = tuple(replace(camera, fx=45.0, fy=45.5) for camera in scene.truth.cameras)
    evidence = replace(
        scene.start.evidence, information=np.full_like(scene.start.evidence.information, np.inf)
    )
    start = replace(scene.start, evidence=evidence, known=replace(scene.start.known, cameras=given))
    posed, _ = pose(solved, scene.truth.views, start, CONFIG)
    assert posed.cameras == tuple(given[member] for member in posed.members)
    assert len(posed.tracks.xyz) > 0


def test_views_that_sharpening_drops_are_gone_from_everything(scene, solved, monkeypatch):
    """Sharpening doubled the world and dropped member 1, which is view 2."""
    tracks = scene.posed.tracks
    without_it = tracks.view_index != 1
    poses = solved.cam_from_world.copy()
    poses[:, :3, 3] *= 2.0
    outcome = refined_component.Sharpened(
        cameras=scene.posed.cameras,
        cam_from_world=poses,
        tracks=replace(
            tracks,
            point_index=tracks.point_index[without_it],
            view_index=tracks.view_index[without_it],
            pixels=tracks.pixels[without_it],
        ),
        dropped_views={1: "sees too few points"},
        kept=True,
        settled=True,
        bundle_adjustment="kept",
        robust_error_before_px=1.0,
        robust_error_after_px=0.5,
    )
    monkeypatch.setattr(refined_component, "sharpen", lambda *_: outcome)
    posed, gone = pose(solved, scene.truth.views, scene.start, CONFIG)
    assert gone == {2: "sees too few points"}
    assert posed.members == (0, 3)
    assert len(posed.cameras) == len(posed.cam_from_world) == 2
    assert set(posed.tracks.view_index.tolist()) == {0, 1}
    kept = {pair: 2.0 * scale for pair, scale in solved.scales.items() if 2 not in (pair.i, pair.j)}
    assert posed.scales == pytest.approx(kept)
