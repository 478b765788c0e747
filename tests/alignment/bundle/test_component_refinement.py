"""When a component is refined and when not, and what is left of it afterwards."""

from dataclasses import replace

import numpy as np
import pytest
from posed_scene import BUNDLE, largest_turn_deg, posed_scene, true_solution

from dust3r_sfm.alignment.bundle import component_refinement
from dust3r_sfm.alignment.bundle.bundle_refinement import RefinedComponent
from dust3r_sfm.alignment.bundle.component_refinement import refine_component
from dust3r_sfm.alignment.bundle.schedule import first_adjustment
from dust3r_sfm.geometry.cameras import replace_focals

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


def test_refinement_keeps_what_was_right_and_finds_tracks(scene, solved):
    assert scene.posed.members == USED_MEMBERS
    assert largest_turn_deg(scene, scene.posed) < 0.01
    assert set(scene.posed.tracks.view_index.tolist()) == {0, 1, 2}
    assert scene.posed.scales == pytest.approx(solved.scales, rel=1e-3)


def test_refinement_mends_what_was_not(scene, solved):
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal(solved.cam_from_world.shape) * [[[0] * 3 + [1]] * 3 + [[0] * 4]]
    wider = tuple(replace_focals(camera, 1.02 * camera.fx, 1.02 * camera.fy) for camera in solved.cameras)
    start = replace(solved, cam_from_world=solved.cam_from_world + noise, cameras=wider)
    posed, gone = refine_component(start, scene.truth.views, scene.start, BUNDLE, first_adjustment)
    assert not gone
    assert posed.adjustment.text.startswith("kept")
    assert posed.adjustment.error_after_px < 0.2 * posed.adjustment.error_before_px
    assert largest_turn_deg(scene, posed) < 0.02


def test_switched_off(scene, solved):
    posed, gone = refine_component(solved, scene.truth.views, scene.start, None, first_adjustment)
    assert (posed.adjustment.text, gone) == ("not run: switched off", {})
    assert len(posed.tracks.xyz) == 0
    np.testing.assert_array_equal(posed.cam_from_world, solved.cam_from_world)


def test_no_correspondences(scene, solved):
    posed, _ = refine_component(
        solved, scene.truth.views, replace(scene.start, correspondences={}), BUNDLE, first_adjustment
    )
    assert posed.adjustment.text == "not run: no correspondences"


def test_given_cameras_stay(scene, solved):
    given = tuple(replace_focals(camera, 45.0, 45.5) for camera in scene.truth.cameras)
    evidence = replace(
        scene.start.evidence, information=np.full_like(scene.start.evidence.information, np.inf)
    )
    start = replace(scene.start, evidence=evidence, known=replace(scene.start.known, cameras=given))
    posed, _ = refine_component(solved, scene.truth.views, start, BUNDLE, first_adjustment)
    assert posed.cameras == tuple(given[member] for member in posed.members)
    assert len(posed.tracks.xyz) > 0


def test_views_that_refinement_drops_are_gone_from_everything(scene, solved, monkeypatch):
    """Refinement doubled the world and dropped member 1, which is view 2."""
    tracks = scene.posed.tracks
    without_it = tracks.view_index != 1
    poses = solved.cam_from_world.copy()
    poses[:, :3, 3] *= 2.0
    left = replace(
        tracks,
        point_index=tracks.point_index[without_it],
        view_index=tracks.view_index[without_it],
        pixels=tracks.pixels[without_it],
    )
    refined = replace(solved, cameras=scene.posed.cameras, cam_from_world=poses, tracks=left)
    outcome = RefinedComponent(refined, {1: "sees too few points"})
    monkeypatch.setattr(component_refinement, "refine_bundle", lambda *_: outcome)
    posed, gone = refine_component(solved, scene.truth.views, scene.start, BUNDLE, first_adjustment)
    assert gone == {2: "sees too few points"}
    assert posed.members == (0, 3)
    assert len(posed.cameras) == len(posed.cam_from_world) == 2
    assert set(posed.tracks.view_index.tolist()) == {0, 1}
    kept = {pair: 2.0 * scale for pair, scale in solved.scales.items() if 2 not in (pair.i, pair.j)}
    assert posed.scales == pytest.approx(kept)
