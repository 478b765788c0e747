"""Bundle adjustment of exact observations from a disturbed start comes back to the truth."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.bundle.adjustment import (
    AdjustmentSettings,
    Bundle,
    adjust_bundle,
    model_from_bundle,
    most_steps,
    share_cameras,
)
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.tracks import Observations
from dust3r_sfm.geometry import (
    invert_rigid,
    project,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.geometry.cameras import replace_focals

BOUNDS = BundleConfig()


@pytest.mark.parametrize(
    ("observations", "steps"), [(0, 200), (20_000, 200), (40_000, 100), (80_000, 50), (9_000_000, 50)]
)
def test_many_observations_are_given_fewer_steps_and_never_fewer_than_colmap_gives(observations, steps):
    assert most_steps(observations, BOUNDS) == steps


@pytest.fixture
def exact(scenes):
    """Four views of two cameras, points that three of four views see, and the exact bundle."""
    truth = scenes.arc([scenes.camera(48, 36, 44.0), scenes.camera(36, 48, 50.0)] * 2)
    cameras, camera_of_view = tuple(truth.cameras[:2]), (0, 1, 0, 1)
    xyz = np.random.default_rng(0).uniform(-0.7, 0.7, (60, 3))
    point, view = np.divmod(np.arange(4 * len(xyz)), 4)
    keep = view != point % 4
    point, view = point[keep], view[keep]
    bundle = Bundle(cameras, camera_of_view, truth.cam_from_world, xyz)
    rows = Observations(point, view, np.zeros((len(point), 2)))
    return bundle, replace(rows, pixels=reprojected(bundle, rows))


def disturbed(bundle, focal_factor=1.05, seed=1):
    rng = np.random.default_rng(seed)
    turns = rigid(rotation_from_vector(rng.normal(0, 0.01, (4, 3))), rng.normal(0, 0.02, (4, 3)))
    cameras = tuple(replace_focals(c, focal_factor * c.fx, focal_factor * c.fy) for c in bundle.cameras)
    xyz = bundle.xyz + rng.normal(0, 0.03, bundle.xyz.shape)
    return replace(bundle, cameras=cameras, cam_from_world=turns @ bundle.cam_from_world, xyz=xyz)


def relative_poses(cam_from_world):
    """From view 0, with the baseline to view 1 of length 1: free of the gauge."""
    relative = cam_from_world @ invert_rigid(cam_from_world[0])
    relative[:, :3, 3] /= np.linalg.norm(relative[1, :3, 3])
    return relative


@pytest.mark.parametrize("fix_focals", [True, False])
def test_a_disturbed_start_comes_back_up_to_the_gauge(exact, fix_focals):
    bundle, observations = exact
    start = disturbed(bundle, 1.0 if fix_focals else 1.05)
    found = adjust_bundle(start, observations, AdjustmentSettings(1.0, 1e-8, fix_focals), BOUNDS)
    np.testing.assert_allclose(
        relative_poses(found.cam_from_world), relative_poses(bundle.cam_from_world), atol=1e-5
    )
    for camera, true in zip(found.cameras, bundle.cameras, strict=True):
        assert camera.fx == camera.fy == pytest.approx(true.fx, rel=1e-5)
        assert (camera.cx, camera.cy, camera.width, camera.height) == (
            true.cx,
            true.cy,
            true.width,
            true.height,
        )
    assert found.camera_of_view == bundle.camera_of_view
    errors = observations.pixels - reprojected(found, observations)
    assert np.abs(errors).max() < 1e-3


def reprojected(bundle, observations):
    posed = zip(bundle.cam_from_world, bundle.view_cameras(), strict=True)
    every = np.stack([project(transform_points(pose, bundle.xyz), camera) for pose, camera in posed])
    return every[observations.view_index, observations.point_index]


def test_fixed_focals_stay(exact):
    bundle, observations = exact
    found = adjust_bundle(disturbed(bundle), observations, AdjustmentSettings(1.0, 1e-8, True), BOUNDS)
    assert [c.fx for c in found.cameras] == [pytest.approx(1.05 * c.fx, rel=1e-12) for c in bundle.cameras]


def test_a_robust_loss_ignores_a_few_wrong_observations(exact):
    bundle, observations = exact
    pixels = observations.pixels.copy()
    pixels[::30] += [6.0, 9.0]
    found = adjust_bundle(
        disturbed(bundle), replace(observations, pixels=pixels), AdjustmentSettings(0.1, 1e-8), BOUNDS
    )
    true = relative_poses(bundle.cam_from_world)
    turns = relative_poses(found.cam_from_world)[:, :3, :3] @ np.swapaxes(true[:, :3, :3], -1, -2)
    assert rotation_angle_deg(turns).max() < 0.05
    assert found.cameras[0].fx == pytest.approx(bundle.cameras[0].fx, rel=2e-3)


def test_same_input_same_bytes(exact):
    bundle, observations = exact
    first, second = (
        adjust_bundle(disturbed(bundle), observations, AdjustmentSettings(1.0, 1e-8), BOUNDS)
        for _ in range(2)
    )
    assert first.cam_from_world.tobytes() == second.cam_from_world.tobytes()
    assert first.xyz.tobytes() == second.xyz.tobytes()
    assert first.cameras == second.cameras


def test_a_view_without_observations_stays_where_it_is(exact):
    bundle, observations = exact
    keep = observations.view_index != 3
    rows = Observations(
        observations.point_index[keep], observations.view_index[keep], observations.pixels[keep]
    )
    start = disturbed(bundle)
    found = adjust_bundle(start, rows, AdjustmentSettings(1.0, 1e-8), BOUNDS)
    np.testing.assert_allclose(found.cam_from_world[3], start.cam_from_world[3], atol=1e-12)
    np.testing.assert_allclose(
        relative_poses(found.cam_from_world[:3]), relative_poses(bundle.cam_from_world[:3]), atol=1e-4
    )


def test_the_model_says_what_the_bundle_says(exact):
    bundle, observations = exact
    model = model_from_bundle(bundle, observations)
    assert (model.num_images(), model.num_cameras(), model.num_points3D()) == (4, 2, len(bundle.xyz))
    assert model.compute_num_observations() == len(observations.view_index)
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 1e-6


def test_views_of_one_group_and_size_share_their_mean_focal(scenes):
    cameras = [
        scenes.camera(48, 36, 40.0),
        scenes.camera(48, 36, 90.0),
        scenes.camera(36, 48, 50.0),
        scenes.camera(48, 36, 70.0),
    ]
    shared, camera_of_view = share_cameras(cameras, [5, 5, 5, 8], [False] * 4)
    assert camera_of_view == (0, 0, 1, 2)
    np.testing.assert_allclose([c.fx for c in shared], [60.0, 50.0, 70.0])
    assert all(c.fx == c.fy for c in shared)
    assert [(c.width, c.height) for c in shared] == [(48, 36), (36, 48), (48, 36)]


def test_held_cameras_are_shared_with_their_like_only(scenes):
    cameras = [scenes.camera(focal=40.0), scenes.camera(focal=40.0), scenes.camera(focal=50.0)]
    shared, camera_of_view = share_cameras(cameras, [0, 0, 0], [True, True, False])
    assert camera_of_view == (0, 0, 1)
    assert shared[0] == cameras[0]
    assert shared[1].fx == pytest.approx(50.0)
