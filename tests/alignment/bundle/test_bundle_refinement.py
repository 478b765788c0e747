"""Sharpening brings disturbed cameras to the truth, in view pixels, and says what it did."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.bundle import bundle_refinement
from dust3r_sfm.alignment.bundle.adjustment import Bundle
from dust3r_sfm.alignment.bundle.bundle_refinement import Held, RefinedComponent, refine_bundle
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.schedule import first_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.geometry import (
    invert_rigid,
    project,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.geometry.cameras import replace_focals
from dust3r_sfm.types import Camera, Correspondences, Pair

POINTS = 60

CONFIG = BundleConfig()


def free(count):
    return Held((False,) * count, (False,) * count)


def stored_turned_and_twice_as_large(view):
    """The view of a photo that was stored lying on its side (EXIF 6) at twice the size."""
    width, height = view.size
    upright_from_stored = np.array([[0.0, -1.0, 2.0 * width], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    affine = np.diag([0.5, 0.5, 1.0]) @ upright_from_stored
    return replace(view, pixel_from_original=affine, original_size=(2 * height, 2 * width))


def painted(view, color):
    return replace(view, image=np.broadcast_to(np.array(color, np.uint8), view.image.shape).copy())


@pytest.fixture
def turned(scenes):
    """One camera's photos: stored at 96 x 72, but the second one held upright, and all shown at half size."""
    truth = scenes.arc(
        [scenes.camera(48, 36, 44.0), scenes.camera(36, 48, 44.0), scenes.camera(48, 36, 44.0)]
    )
    first, second, third = truth.views
    whole = {"pixel_from_original": np.diag([0.5, 0.5, 1.0]), "original_size": (96, 72)}
    truth.views[:] = [
        painted(replace(first, **whole), (30, 0, 0)),
        painted(stored_turned_and_twice_as_large(second), (60, 90, 0)),
        painted(replace(third, **whole), (90, 30, 12)),
    ]
    return truth


def points():
    return np.random.default_rng(5).uniform([-0.6, -0.5, -0.5], [0.6, 0.5, 0.5], (POINTS, 3))


def exact_matches(truth, xyz, views=None):
    """Between all given views, of all points."""
    posed = zip(truth.cam_from_world, truth.cameras, strict=True)
    pixels = [project(transform_points(pose, xyz), camera) for pose, camera in posed]
    members = range(len(pixels)) if views is None else views
    return {
        Pair(i, j): Correspondences(pixels[i], pixels[j], np.ones(len(xyz)))
        for i in members
        for j in members
        if i < j
    }


def disturbed(truth, seed=0):
    """Focals 4 % too long, views turned by half a degree."""
    rng = np.random.default_rng(seed)
    count = len(truth.cameras)
    noise = rigid(rotation_from_vector(rng.normal(0, 0.01, (count, 3))), rng.normal(0, 0.01, (count, 3)))
    cameras = [replace_focals(c, 1.04 * c.fx, 1.04 * c.fy) for c in truth.cameras]
    return cameras, noise @ truth.cam_from_world


def refined(truth, correspondences) -> RefinedComponent:
    cameras, poses = disturbed(truth)
    return refined_from(truth.views, correspondences, cameras, poses)


def refined_from(views, correspondences, cameras, poses) -> RefinedComponent:
    members = tuple(range(len(views)))
    start = Component(
        members=members, cameras=tuple(cameras), cam_from_world=poses, scales={}, residual_px={}
    )
    schedule = first_adjustment(CONFIG)
    return refine_bundle(start, views, correspondences, [0] * len(views), free(len(views)), schedule, CONFIG)


def relative_poses(cam_from_world):
    relative = cam_from_world @ invert_rigid(cam_from_world[0])
    relative[:, :3, 3] /= np.linalg.norm(relative[1, :3, 3])
    return relative


def track_errors_px(result: Component, tracks) -> np.ndarray:
    errors = np.zeros(len(tracks.pixels))
    for view, camera in enumerate(result.cameras):
        rows = tracks.view_index == view
        points_in_view = transform_points(result.cam_from_world[view], tracks.xyz[tracks.point_index[rows]])
        errors[rows] = np.linalg.norm(project(points_in_view, camera) - tracks.pixels[rows], axis=1)
    return errors


def test_turned_and_resized_views_of_one_camera_come_back_in_view_pixels(turned):
    found = refined(turned, exact_matches(turned, points()))
    result = found.component
    assert result.adjustment.text.startswith("kept")
    assert result.adjustment.error_after_px < 1e-3 < result.adjustment.error_before_px
    assert found.dropped == {}
    for camera, true in zip(result.cameras, turned.cameras, strict=True):
        assert (camera.width, camera.height) == (true.width, true.height)
        np.testing.assert_allclose(
            [camera.fx, camera.fy, camera.cx, camera.cy], [true.fx, true.fy, true.cx, true.cy], rtol=1e-5
        )
    np.testing.assert_allclose(
        relative_poses(result.cam_from_world), relative_poses(turned.cam_from_world), atol=1e-4
    )
    assert len(result.tracks.xyz) == POINTS
    assert len(result.tracks.pixels) == 3 * POINTS
    assert track_errors_px(result, result.tracks).max() < 1e-3


def test_tracks_hold_the_pixels_they_came_from_and_the_mean_colour(turned):
    matches = exact_matches(turned, points())
    tracks = refined(turned, matches).component.tracks
    given = matches[Pair(0, 1)].pixels_i
    found = tracks.pixels[tracks.view_index == 0]
    np.testing.assert_allclose(found[np.lexsort(found.T)], given[np.lexsort(given.T)], atol=1e-9)
    np.testing.assert_array_equal(tracks.color, np.tile([60, 40, 4], (POINTS, 1)))


def test_wrong_matches_are_left_out(turned):
    matches = exact_matches(turned, points())
    rng = np.random.default_rng(3)
    strangers = Correspondences(rng.uniform(0, 36, (15, 2)), rng.uniform(0, 36, (15, 2)), np.ones(15))
    good = matches[Pair(0, 2)]
    matches[Pair(0, 2)] = Correspondences(
        np.concatenate([good.pixels_i, strangers.pixels_i]),
        np.concatenate([good.pixels_j, strangers.pixels_j]),
        np.ones(len(good) + 15),
    )
    result = refined(turned, matches).component
    true = relative_poses(turned.cam_from_world)
    turns = relative_poses(result.cam_from_world)[:, :3, :3] @ np.swapaxes(true[:, :3, :3], -1, -2)
    assert rotation_angle_deg(turns).max() < 0.1
    assert POINTS <= len(result.tracks.xyz) < POINTS + 8


def test_what_does_not_help_is_not_kept(turned, monkeypatch: pytest.MonkeyPatch):
    def worse(bundle: Bundle, *arguments: object) -> Bundle:
        turn = rigid(rotation_from_vector(np.array([[0.0, 0.0, 0.001]] * 3)), np.zeros((3, 3)))
        turn[0] = np.eye(4)
        return replace(bundle, cam_from_world=turn @ bundle.cam_from_world)

    monkeypatch.setattr(bundle_refinement, "adjust_bundle", worse)
    matches = exact_matches(turned, points())
    result = refined_from(turned.views, matches, turned.cameras, turned.cam_from_world).component
    assert result.adjustment.text == "not kept: it did not lower the robust error"
    assert result.adjustment.error_after_px > result.adjustment.error_before_px
    np.testing.assert_allclose(result.cam_from_world, turned.cam_from_world, atol=1e-12)
    np.testing.assert_allclose([c.fx for c in result.cameras], [c.fx for c in turned.cameras])


def test_matches_without_parallax_hold_nothing(turned):
    """All three views from nearly one place."""
    near = replace(turned, cam_from_world=turned.cam_from_world.copy())
    for view in (1, 2):
        near.cam_from_world[view] = turned.cam_from_world[0]
        near.cam_from_world[view, 0, 3] += 0.01 * view
    found = refined_from(near.views, exact_matches(near, points()), near.cameras, near.cam_from_world)
    result = found.component
    assert result.adjustment.text == "not kept: no track has two good observations"
    assert set(found.dropped) == {0, 1, 2}
    assert len(result.tracks.xyz) == 0


def test_a_view_with_few_observations_is_let_go(scenes):
    truth = scenes.arc([scenes.camera()] * 4)
    matches = exact_matches(truth, points(), views=[0, 1, 2])
    few = CONFIG.min_observations - 1
    matches[Pair(2, 3)] = exact_matches(truth, points()[:few], views=[2, 3])[Pair(2, 3)]
    found = refined(truth, matches)
    result = found.component
    assert list(found.dropped) == [3]
    assert f"only {few} of its observations" in found.dropped[3]
    assert set(result.tracks.view_index) == {0, 1, 2}
    assert np.bincount(result.tracks.point_index).min() >= 2
    assert track_errors_px(result, result.tracks).max() < 1e-3


@pytest.fixture
def five(scenes):
    return scenes.arc([scenes.camera(96, 72, 88.0) for _ in range(5)])


def many_points():
    return np.random.default_rng(6).uniform([-0.7, -0.6, -0.5], [0.7, 0.6, 0.5], (1200, 3))


def test_a_distorting_lens_is_found_whole(five):
    five.cameras[:] = [
        Camera.radial(c.width, c.height, *c.focals, *c.principal_point, -0.15) for c in five.cameras
    ]
    result = refined(five, exact_matches(five, many_points())).component
    for found, true in zip(result.cameras, five.cameras, strict=True):
        np.testing.assert_allclose(found.distortion, true.distortion, atol=1e-5)
        np.testing.assert_allclose(found.fx, true.fx, rtol=1e-5)
    assert track_errors_px(result, result.tracks).max() < 1e-3


def test_a_straight_lens_stays_a_pinhole(five):
    matches = exact_matches(five, many_points())
    rng = np.random.default_rng(7)
    noisy = {
        pair: replace(found, pixels_j=found.pixels_j + rng.normal(0, 0.02, found.pixels_j.shape))
        for pair, found in matches.items()
        if pair.j == pair.i + 1
    }
    assert all(camera.is_pinhole for camera in refined(five, noisy).component.cameras)
