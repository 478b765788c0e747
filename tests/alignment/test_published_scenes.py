"""The scenes on which the published alignment was measured: maps of 32 x 24 with 1 % noise
and 3 % outliers (see the README beside them)."""

import json

import numpy as np
import pytest
from ball_room import scenes_with_depth
from published_scenes import NEEDS_PARITY, PARITY, load

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.known_cameras import Presets
from dust3r_sfm.evidence import evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.geometry.procrustes import umeyama

pytestmark = NEEDS_PARITY


def run(name, presets=None):
    views, predictions, true, focals = load(name)
    evidence = evidence_from_predictions(views, predictions)
    config = AlignmentConfig(cameras="per-image", presets=presets or Presets())
    (scene,) = scenes_with_depth(views, evidence, config).scenes
    assert len(scene.views) == len(views)
    return scene, true, focals


def ate_over_extent(name, scene, true):
    """Of camera centres after one similarity; the extent as the published figures have it."""
    found, wanted = invert_rigid(scene.cam_from_world)[:, :3, 3], invert_rigid(true)[:, :3, 3]
    moved = transform_points(umeyama(found, wanted, np.ones(len(found))), found)
    published = json.loads((PARITY / f"ga_{name}.json").read_text())["final_metrics"]
    extent = published["ATE_sim3"] / published["ATE_rel_to_extent"]
    return np.sqrt(((moved - wanted) ** 2).sum(axis=1).mean()) / extent


def direction_errors_deg(scene, true):
    """Of the relative translations of all pairs of cameras."""
    i, j = np.triu_indices(len(true), 1)

    def directions(poses):
        steps = (poses[j] @ invert_rigid(poses[i]))[:, :3, 3]
        return steps / np.linalg.norm(steps, axis=1, keepdims=True)

    chord = np.linalg.norm(directions(scene.cam_from_world) - directions(true), axis=1)
    return np.degrees(2 * np.arcsin(chord / 2))


@pytest.mark.parametrize(
    ("name", "ate_target"),
    [
        # A fifth of what the project asks for: refinement knows how pointmaps err.
        ("n6_complete", 0.001),
        ("n5_l2_sqrtconf_adaptors", 0.0012),
        ("n6_mixed_shapes", 0.0012),
        ("n6_swin1_onesided", 0.003),
    ],
)
def test_cameras(name, ate_target):
    scene, true, focals = run(name)
    assert ate_over_extent(name, scene, true) < ate_target
    assert direction_errors_deg(scene, true).max() < 0.5
    np.testing.assert_allclose([camera.fx for camera in scene.cameras], focals, rtol=1e-3)


def test_known_focals():
    name = "n5_known_focal_linear"
    _, _, _, focals = load(name)
    given = Presets(focal_px={f"{k}.png": float(focal) for k, focal in enumerate(focals)})
    scene, true, _ = run(name, given)
    assert ate_over_extent(name, scene, true) < 0.0007
    np.testing.assert_allclose([camera.fx for camera in scene.cameras], focals, rtol=1e-12)


def test_known_poses_stay_and_depths_are_in_their_world():
    name = "n5_known_poses_focals"
    _, predictions, true, focals = load(name)
    given = Presets(
        focal_px={f"{k}.png": float(focal) for k, focal in enumerate(focals)},
        cam_from_world={f"{k}.png": pose for k, pose in enumerate(true)},
    )
    scene, _, _ = run(name, given)
    np.testing.assert_array_equal(scene.cam_from_world, true)
    scales = np.load(PARITY / f"ga_{name}_inputs.npz")["edge_scales"]
    for view, depth in enumerate(scene.depth):
        maps = [
            p.points_i[..., 2] / scale
            for p, scale in zip(predictions, scales, strict=True)
            if p.pair.i == view
        ]
        assert abs(np.median(depth / np.median(maps, axis=0)) - 1) < 2e-3
