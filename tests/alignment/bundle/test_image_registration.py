"""Views that fell out, or are in the wrong place, and what their matches can do about it."""

from dataclasses import replace

import numpy as np
import pytest
from posed_scene import BUNDLE, largest_turn_deg, moved_away, posed_scene

from dust3r_sfm.alignment.bundle.component_refinement import readjust_without
from dust3r_sfm.alignment.bundle.image_registration import adjust_to_convergence, register_images
from dust3r_sfm.geometry import rotation_from_vector
from dust3r_sfm.types import Correspondences, Pair, PairGeometry, Tracks

RIGHT_DEG = 0.05
LOST = 4


def both(i: int, j: int) -> list[Pair]:
    return [Pair(i, j), Pair(j, i)]


def touching(views: set[int]):
    return lambda pair: bool({pair.i, pair.j} & views)


@pytest.fixture(scope="module")
def truth(scenes):
    return scenes.arc([scenes.camera()] * 5, step_deg=10.0)


@pytest.fixture(scope="module")
def lost(scenes, truth):
    """Four views are posed, the fifth has matches and no pose. View 3 shares no pair with it."""
    pairs = [p for p in scenes.all_pairs(range(5)) if {p.i, p.j} != {3, LOST}]
    used = [pair for pair in pairs if LOST not in (pair.i, pair.j)]
    return posed_scene(truth, pairs, used, range(4))


def test_a_view_with_matches_to_the_tracks_is_found_again(lost):
    found = register_images(lost.posed, [LOST], lost.truth.views, lost.start, BUNDLE)
    assert found.members == (0, 1, 2, 3, 4)
    assert largest_turn_deg(lost, found) < RIGHT_DEG
    assert {pair for pair in found.scales if LOST in (pair.i, pair.j)} == {
        *both(0, LOST),
        *both(1, LOST),
        *both(2, LOST),
    }
    assert (found.tracks.view_index == LOST).any()
    assert found.adjustment.text == lost.posed.adjustment.text


def test_matches_that_lead_nowhere_recover_nothing(lost):
    rng = np.random.default_rng(0)

    def scrambled(pair: Pair, found: Correspondences) -> Correspondences:
        if LOST not in (pair.i, pair.j):
            return found
        pixels = (rng.permutation(side) for side in (found.pixels_i, found.pixels_j))
        return Correspondences(*pixels, found.weights)

    matches = {pair: scrambled(pair, found) for pair, found in lost.start.correspondences.items()}
    start = replace(lost.start, correspondences=matches)
    found = register_images(lost.posed, [LOST], lost.truth.views, start, BUNDLE)
    assert found.members == (0, 1, 2, 3)
    np.testing.assert_array_equal(found.cam_from_world, lost.posed.cam_from_world)


def test_fewer_matches_than_make_a_pose_recover_nothing(lost):
    few = {
        pair: Correspondences(found.pixels_i[:5], found.pixels_j[:5], found.weights[:5])
        if LOST in (pair.i, pair.j)
        else found
        for pair, found in lost.start.correspondences.items()
    }
    start = replace(lost.start, correspondences=few)
    assert register_images(lost.posed, [LOST], lost.truth.views, start, BUNDLE).members == (0, 1, 2, 3)


def test_without_tracks_there_is_nothing_to_find_by(lost):
    bare = replace(lost.posed, tracks=Tracks.empty())
    assert register_images(bare, [LOST], lost.truth.views, lost.start, BUNDLE) is bare


def test_a_scene_without_some_of_its_views(lost):
    left = readjust_without(lost.posed, {1}, lost.truth.views, lost.start, BUNDLE)
    assert left.members == (0, 2, 3)
    assert set(left.scales) == {*both(0, 2), *both(0, 3), *both(2, 3)}
    assert set(left.tracks.view_index.tolist()) == {0, 1, 2}
    assert largest_turn_deg(lost, left) < RIGHT_DEG


@pytest.fixture(scope="module")
def planar(scenes, truth):
    """All five are posed; the pairs of view 4 saw nothing but a plane."""
    hangs = touching({LOST})

    def flat(prediction):
        return replace(prediction, geometry=PairGeometry.PLANAR) if hangs(prediction.pair) else prediction

    pairs = scenes.all_pairs(range(5))
    return posed_scene(truth, pairs, pairs, range(5), flat)


def test_a_view_that_only_a_plane_holds_is_taken_off_and_resected(planar):
    wrong = moved_away(planar.posed, [LOST])
    assert largest_turn_deg(planar, wrong) > 10
    found = register_images(wrong, [], planar.truth.views, planar.start, BUNDLE)
    assert found.members == (0, 1, 2, 3, 4)
    assert largest_turn_deg(planar, found) < RIGHT_DEG


def test_a_view_that_more_than_a_plane_holds_is_left_alone(planar):
    general = tuple(replace(s, geometry=PairGeometry.GENERAL) for s in planar.start.summaries)
    start, wrong = replace(planar.start, summaries=general), moved_away(planar.posed, [LOST])
    found = register_images(wrong, [], planar.truth.views, start, BUNDLE)
    np.testing.assert_array_equal(found.cam_from_world, wrong.cam_from_world)


def test_where_all_is_planar_nobody_is_doubted(planar):
    flat = tuple(replace(s, geometry=PairGeometry.PLANAR) for s in planar.start.summaries)
    start = replace(planar.start, summaries=flat)
    found = register_images(planar.posed, [], planar.truth.views, start, BUNDLE)
    np.testing.assert_array_equal(found.cam_from_world, planar.posed.cam_from_world)


@pytest.fixture(scope="module")
def hinged(scenes, truth):
    """Views 3 and 4 hang on the rest by the pair (2, 3), which has few matches. All else between the two
    parts was measured, has many matches, and was not used."""

    def weak(prediction):
        if {prediction.pair.i, prediction.pair.j} != {2, 3}:
            return prediction
        found = prediction.correspondences
        few = Correspondences(found.pixels_i[::8], found.pixels_j[::8], found.weights[::8])
        return replace(prediction, correspondences=few)

    pairs = scenes.all_pairs(range(5))
    used = [pair for pair in pairs if (pair.i < 3) == (pair.j < 3) or {pair.i, pair.j} == {2, 3}]
    return posed_scene(truth, pairs, used, range(5), weak)


def test_a_part_that_stronger_pairs_contradict_is_taken_off_and_resected(hinged):
    wrong = moved_away(hinged.posed, [3, 4])
    assert largest_turn_deg(hinged, wrong) > 10
    found = register_images(wrong, [], hinged.truth.views, hinged.start, BUNDLE)
    assert found.members == (0, 1, 2, 3, 4)
    assert largest_turn_deg(hinged, found) < RIGHT_DEG
    assert Pair(0, 3) in found.scales


def test_a_part_in_its_place_is_contradicted_by_nobody(hinged):
    found = register_images(hinged.posed, [], hinged.truth.views, hinged.start, BUNDLE)
    np.testing.assert_array_equal(found.cam_from_world, hinged.posed.cam_from_world)


def test_pairs_no_stronger_than_the_hinge_are_not_heeded(hinged):
    weakest = len(hinged.start.correspondences[Pair(2, 3)])
    thinned = {
        pair: found
        if pair in hinged.posed.scales
        else Correspondences(found.pixels_i[:weakest], found.pixels_j[:weakest], found.weights[:weakest])
        for pair, found in hinged.start.correspondences.items()
    }
    wrong = moved_away(hinged.posed, [3, 4])
    start = replace(hinged.start, correspondences=thinned)
    found = register_images(wrong, [], hinged.truth.views, start, BUNDLE)
    np.testing.assert_array_equal(found.cam_from_world, wrong.cam_from_world)


def test_a_stretch_of_views_that_planar_pairs_hold_together_is_left_alone(scenes):
    seven = scenes.arc([scenes.camera()] * 7, step_deg=8.0)
    hangs = touching({3, 4, 5, 6})

    def flat(prediction):
        return replace(prediction, geometry=PairGeometry.PLANAR) if hangs(prediction.pair) else prediction

    pairs = scenes.all_pairs(range(7))
    stretch = posed_scene(seven, pairs, pairs, range(7), flat)
    found = register_images(stretch.posed, [], stretch.truth.views, stretch.start, BUNDLE)
    np.testing.assert_array_equal(found.cam_from_world, stretch.posed.cam_from_world)


def test_adjusting_brings_everything_closer_and_reports_the_first_gain(lost):
    rough = replace(lost.posed, cam_from_world=lost.posed.cam_from_world.copy())
    turn = rotation_from_vector(np.array([2e-4, 0.0, 1e-4]))
    rough.cam_from_world[2, :3, :3] = turn @ rough.cam_from_world[2, :3, :3]
    found = adjust_to_convergence(rough, lost.truth.views, lost.start, BUNDLE)
    assert found.members == rough.members
    assert largest_turn_deg(lost, found) < 0.5 * largest_turn_deg(lost, rough)
    assert found.adjustment.error_before_px == rough.adjustment.error_before_px


def test_a_large_scene_whose_focals_rest_is_not_adjusted(lost):
    small = replace(BUNDLE, enough_observations=0)
    outcome = lost.posed.adjustment
    resting, moving = (
        replace(lost.posed, adjustment=replace(outcome, settled=settled)) for settled in (True, False)
    )
    assert adjust_to_convergence(resting, lost.truth.views, lost.start, small) is resting
    assert adjust_to_convergence(moving, lost.truth.views, lost.start, small) is not moving
    assert adjust_to_convergence(resting, lost.truth.views, lost.start, BUNDLE) is not resting


def test_what_adjustment_could_not_help_is_not_adjusted(lost):
    kept = replace(lost.posed, adjustment=replace(lost.posed.adjustment, kept=False))
    assert adjust_to_convergence(kept, lost.truth.views, lost.start, BUNDLE) is kept
