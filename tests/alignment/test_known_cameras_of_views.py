"""What is given of cameras stays as it is, whatever the photos were turned and resized to."""

from dataclasses import replace

import numpy as np
import pytest
from ball_room import scenes_with_depth

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.known_cameras import (
    Presets,
    known_of_views,
    split_groups,
    undistort_pixels,
)
from dust3r_sfm.errors import InputError
from dust3r_sfm.evidence import evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, original_camera, project, rigid, rotation_from_vector
from dust3r_sfm.geometry.view_cameras import camera_of_view
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Camera, View

TURNED = np.diag([0.5, 0.5, 1.0]) @ np.array([[0.0, -1.0, 36.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

OTHER_LENSES = (
    Camera("OPENCV", 48, 36, (50.0, 50.0, 24.0, 18.0, -0.1, 0.01, 0.0, 0.0)),
    Camera("OPENCV_FISHEYE", 48, 36, (50.0, 50.0, 24.0, 18.0, 0.0, 0.0, 0.0, 0.0)),
)


def view(name="a.png", affine=TURNED, size=(48, 36), shape=(24, 18)):
    return View(name, np.zeros((*shape, 3), np.uint8), affine, size)


def aligned(truth, predictions, presets, views=None):
    views = truth.views if views is None else views
    config = AlignmentConfig(bundle=None, cameras="per-image", presets=presets)
    return scenes_with_depth(views, evidence_from_predictions(views, predictions), config)


def noisy(truth, pairs, seed=0):
    return synthetic_predictions(
        truth.depths, truth.cameras, truth.cam_from_world, pairs, noise=0.01, outlier_fraction=0.03, seed=seed
    )


def test_cameras_of_turned_files_come_back():
    original = Camera.radial(48, 36, 50.0, 47.0, 25.0, 16.0, -0.1)
    in_view = camera_of_view(view(), original)
    assert (in_view.fx, in_view.fy) == (23.5, 25.0)
    again, _ = original_camera(view(), in_view)
    assert (again.model, again.width, again.height) == ("OPENCV", 48, 36)
    np.testing.assert_allclose(again.params, original.params, atol=1e-12)


def test_focals_are_in_pixels_of_the_file():
    known = known_of_views([view()], Presets(focal_px={"a.png": 50.0}))
    assert known.cameras[0].fx == pytest.approx(25.0)
    assert (known.cameras[0].cx, known.cameras[0].cy) == (9.0, 12.0)


def test_poses_are_those_of_the_file():
    pose = rigid(rotation_from_vector(np.array([0.3, -0.1, 0.2])), np.array([1.0, 2.0, 3.0]))
    known = known_of_views([view()], Presets(cam_from_world={"a.png": pose})).cam_from_world[0]
    _, original_from_view = original_camera(view(), Camera.pinhole(18, 24, 25.0, 25.0, 9.0, 12.0))
    np.testing.assert_array_equal(original_from_view @ known, pose)


@pytest.mark.parametrize(
    ("presets", "message"),
    [
        (Presets(focal_px={"b.png": 50.0}), "b.png"),
        (Presets(focal_px={"a.png": -1.0}), "positive"),
        (Presets(focal_px={"a.png": float("nan")}), "positive"),
        (Presets(cameras={"a.png": Camera.pinhole(48, 36, 50.0, 0.0, 24.0, 18.0)}), "positive"),
        (Presets(cam_from_world={"a.png": np.diag([1.0, 1.0, 1.0, np.nan])}), "not finite"),
        (Presets(cam_from_world={"a.png": rigid(np.eye(3), np.array([1e300, 0, 0]))}), "beyond"),
        (Presets(cameras={"a.png": Camera.pinhole(36, 48, 50.0, 50.0, 18.0, 24.0)}), "36 x 48"),
        *((Presets(cameras={"a.png": lens}), r"a\.png.*one radial term") for lens in OTHER_LENSES),
        (Presets(cam_from_world={"a.png": np.diag([1.0, 1.0, -1.0, 1.0])}), "a matrix that mirrors"),
    ],
)
def test_what_no_photo_can_have_is_refused(presets, message):
    with pytest.raises(InputError, match=message):
        known_of_views([view()], presets)


@pytest.mark.parametrize(
    "lens",
    [
        Camera("SIMPLE_RADIAL", 48, 36, (50.0, 24.0, 18.0, -0.1)),
        Camera("RADIAL", 48, 36, (50.0, 24.0, 18.0, -0.1, 0.0)),
        Camera("OPENCV", 48, 36, (50.0, 50.0, 24.0, 18.0, -0.1, 0.0, 0.0, 0.0)),
    ],
    ids=lambda lens: lens.model,
)
def test_a_lens_with_one_radial_term_is_known(lens):
    known = known_of_views([view()], Presets(cameras={"a.png": lens})).cameras[0]
    assert known == Camera.radial(18, 24, 25.0, 25.0, 9.0, 12.0, -0.1)


def test_groups_with_two_focals_fall_apart():
    views = [view(name) for name in ("a.png", "b.png", "c.png", "d.png")]
    one = known_of_views(views, Presets(focal_px={"a.png": 50.0}))
    assert split_groups((0, 0, 0, 1), one, views) == (0, 0, 0, 1)
    two = known_of_views(views, Presets(focal_px={"a.png": 50.0, "b.png": 60.0, "d.png": 60.0}))
    assert split_groups((0, 0, 0, 1), two, views) == (0, 1, 2, 3)


def test_pixels_are_solved_as_an_ideal_camera_sees_them():
    camera = Camera.radial(48, 36, 50.0, 47.0, 25.0, 16.0, -0.1)
    plain = View("a.png", np.zeros((36, 48, 3), np.uint8), np.eye(3), (48, 36))
    points = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 5], (20, 3))
    focal = np.sqrt(50.0 * 47.0)
    ideal = project(points, Camera.pinhole(48, 36, focal, focal, 24.0, 18.0))
    np.testing.assert_allclose(undistort_pixels(project(points, camera), plain, camera), ideal, atol=1e-9)


def test_given_focals_help(scenes):
    truth = scenes.arc([scenes.camera(focal=38.0 + 3 * k) for k in range(5)])
    given = Presets(focal_px={v.name: c.fx for v, c in zip(truth.views, truth.cameras, strict=True)})
    errors = []
    for presets in (Presets(), given):
        (scene,) = aligned(truth, noisy(truth, scenes.all_pairs(range(5))), presets).scenes
        turn = scene.cam_from_world[4] @ invert_rigid(scene.cam_from_world[0])
        wanted = truth.cam_from_world[4] @ invert_rigid(truth.cam_from_world[0])
        errors.append(np.linalg.norm(turn[:3, :3] - wanted[:3, :3]))
    assert [camera.fx for camera in scene.cameras] == pytest.approx([camera.fx for camera in truth.cameras])
    assert errors[1] < 1.05 * errors[0]


def test_a_whole_given_camera_is_solved_with(scenes):
    """Off-centre, and pixels that are not square: exact all the same."""
    cameras = [Camera.pinhole(48, 36, 44.0, 40.0, 26.5, 17.0) for _ in range(4)]
    truth = scenes.arc(cameras)
    predictions = synthetic_predictions(
        truth.depths, cameras, truth.cam_from_world, scenes.all_pairs(range(4)), max_correspondences=100
    )
    presets = Presets(cameras={v.name: camera for v, camera in zip(truth.views, cameras, strict=True)})
    (scene,) = aligned(truth, predictions, presets).scenes
    assert scene.cameras == tuple(cameras)
    for k in range(1, 4):
        found = scene.cam_from_world[k] @ invert_rigid(scene.cam_from_world[0])
        wanted = truth.cam_from_world[k] @ invert_rigid(truth.cam_from_world[0])
        np.testing.assert_allclose(found[:3, :3], wanted[:3, :3], atol=2e-4)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_given_poses_stay_exactly_and_the_rest_joins_them(scenes, count):
    truth = scenes.arc([scenes.camera()] * 5)
    given = {v.name: pose for v, pose in list(zip(truth.views, truth.cam_from_world, strict=True))[:count]}
    predictions = noisy(truth, scenes.all_pairs(range(5)))
    (scene,) = aligned(truth, predictions, Presets(cam_from_world=given)).scenes
    np.testing.assert_array_equal(scene.cam_from_world[:count], truth.cam_from_world[:count])
    if count >= 2:
        np.testing.assert_allclose(scene.cam_from_world, truth.cam_from_world, atol=0.02)
        for depth, true in zip(scene.depth, truth.depths, strict=True):
            assert abs(np.median(depth / true) - 1) < 0.005


def test_poses_given_for_two_components_put_them_into_one_world(scenes):
    truth = scenes.arc([scenes.camera()] * 6)
    given = {v.name: pose for v, pose in zip(truth.views, truth.cam_from_world, strict=True)}
    pairs = [*scenes.all_pairs([0, 1, 2]), *scenes.all_pairs([3, 4, 5])]
    result = aligned(truth, noisy(truth, pairs), Presets(cam_from_world=given))
    poses = np.concatenate([scene.cam_from_world for scene in result.scenes])
    np.testing.assert_array_equal(poses, truth.cam_from_world)


def test_masks_of_views_and_presets_together(scenes):
    truth = scenes.arc([scenes.camera()] * 3)
    mask = np.ones((36, 48), dtype=bool)
    mask[:10] = False
    views = [replace(v, mask=mask) for v in truth.views]
    given = {v.name: pose for v, pose in zip(truth.views, truth.cam_from_world, strict=True)}
    predictions = noisy(truth, scenes.all_pairs(range(3)))
    (scene,) = aligned(truth, predictions, Presets(cam_from_world=given), views).scenes
    np.testing.assert_array_equal(scene.cam_from_world, truth.cam_from_world)
    assert all((depth[:10] == 0).all() for depth in scene.depth)


def noisy_with_matches(truth, pairs):
    return synthetic_predictions(
        truth.depths, truth.cameras, truth.cam_from_world, pairs, noise=0.01, max_correspondences=150
    )


def sharpened(truth, predictions, presets):
    config = AlignmentConfig(cameras="per-image", presets=presets)
    evidence = evidence_from_predictions(truth.views, predictions)
    (scene,) = scenes_with_depth(truth.views, evidence, config).scenes
    return scene


@pytest.mark.parametrize("count", [1, 2, 4])
def test_bundle_adjustment_does_not_move_given_poses(scenes, count):
    truth = scenes.arc([scenes.camera()] * 4)
    given = {v.name: pose for v, pose in list(zip(truth.views, truth.cam_from_world, strict=True))[:count]}
    predictions = noisy_with_matches(truth, scenes.all_pairs(range(4)))
    scene = sharpened(truth, predictions, Presets(cam_from_world=given))
    np.testing.assert_array_equal(scene.cam_from_world[:count], truth.cam_from_world[:count])
    assert len(scene.tracks.xyz) > 100
    if count > 1:
        np.testing.assert_allclose(scene.cam_from_world, truth.cam_from_world, atol=2e-3)


def test_bundle_adjustment_does_not_move_given_cameras(scenes):
    """Whole ones for half of the photos, with pixels that are not square; the others find their focal."""
    cameras = [Camera.pinhole(48, 36, 44.0, 40.0, 26.5, 17.0), scenes.camera()] * 2
    truth = scenes.arc(cameras)
    given = {v.name: camera for v, camera in zip(truth.views[::2], cameras[::2], strict=True)}
    predictions = noisy_with_matches(truth, scenes.all_pairs(range(4)))
    scene = sharpened(truth, predictions, Presets(cameras=given))
    assert scene.cameras[::2] == tuple(cameras[::2])
    assert [camera.fx for camera in scene.cameras[1::2]] == pytest.approx([44.0] * 2, rel=2e-3)
    assert scene.report.bundle_adjustment.startswith("kept")
    relative = scene.cam_from_world[3] @ invert_rigid(scene.cam_from_world[0])
    wanted = truth.cam_from_world[3] @ invert_rigid(truth.cam_from_world[0])
    np.testing.assert_allclose(relative[:3, :3], wanted[:3, :3], atol=1e-3)


def test_poses_of_one_place_tell_no_size():
    turns = [rotation_from_vector(np.array([0.0, 0.3 * k, 0.0])) for k in range(3)]
    place = np.array([1000.0, 2.0, 3.0])
    poses = {f"{k}.png": rigid(turn, -turn @ place) for k, turn in enumerate(turns)}
    views = [view(name) for name in poses]
    with pytest.raises(InputError, match="all 3 given poses are of one place"):
        known_of_views(views, Presets(cam_from_world=poses))
    known_of_views(views, Presets(cam_from_world={"0.png": poses["0.png"]}))
    apart = {**poses, "2.png": rigid(turns[2], -turns[2] @ (place + 0.01))}
    known_of_views(views, Presets(cam_from_world=apart))
