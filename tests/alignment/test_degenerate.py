"""Cameras in the places where methods break: each has a defined result or says why not."""

import numpy as np
import pytest
from ball_room import scenes_with_depth

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.verification.config import VerificationConfig, for_pairs_that_know_depth
from dust3r_sfm.evidence import evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.synthetic.predictions import synthetic_predictions


def pose(centre, turn=(0.0, 0.0, 0.0)):
    rotation = rotation_from_vector(np.array(turn, dtype=np.float64))
    return rigid(rotation, -rotation @ np.array(centre, dtype=np.float64))


LINE_AHEAD = [pose((0.3, 0.1, -3.5 + 0.5 * k)) for k in range(3)]
LINE_ASIDE = [pose((-1.0 + k, 0.1, -2.6)) for k in range(3)]
COPLANAR = [pose((x, y, -2.6), (0.1 * y, 0.05 * x, 0.0)) for x in (-0.8, 0.0, 0.8) for y in (-0.5, 0.5)]
TWO = [pose((-0.3, 0.0, -2.6)), pose((0.3, 0.1, -2.6))]
TURNING = [pose((0.0, 0.2, -2.6), (0.0, 0.12 * k, 0.0)) for k in range(4)]
TURNING_AND_ONE_AWAY = [*TURNING[:3], pose((0.8, 0.2, -2.6))]
IDENTICAL = [pose((0.0, 0.0, -2.6))] * 3


def aligned(scenes, poses, noise=0.01, matches=0):
    truth = scenes.at(poses)
    faults = {"noise": noise, "outlier_fraction": 3 * noise, "max_correspondences": matches, "seed": 1}
    pairs = scenes.all_pairs(range(len(poses)))
    predictions = synthetic_predictions(truth.depths, truth.cameras, truth.cam_from_world, pairs, **faults)
    evidence = evidence_from_predictions(truth.views, predictions)
    config = AlignmentConfig(verification=for_pairs_that_know_depth(VerificationConfig()))
    return scenes_with_depth(truth.views, evidence, config)


def centres(cam_from_world):
    return invert_rigid(np.stack(cam_from_world))[:, :3, 3]


def turn_error_deg(scene, poses):
    found, wanted = scene.cam_from_world[:, :3, :3], np.stack(poses)[:, :3, :3]
    off = (found @ found[0].T) @ np.swapaxes(wanted @ wanted[0].T, -1, -2)
    return np.degrees(np.arccos(np.clip((np.trace(off, axis1=1, axis2=2) - 1) / 2, -1, 1))).max()


@pytest.mark.parametrize("matches", [0, 150], ids=["pointmaps", "matches"])
@pytest.mark.parametrize(
    "poses",
    [LINE_AHEAD, LINE_ASIDE, COPLANAR, TWO, TURNING_AND_ONE_AWAY],
    ids=["line_ahead", "line_aside", "coplanar", "two", "turning_and_one_away"],
)
def test_is_solved(scenes, poses, matches):
    (scene,) = aligned(scenes, poses, matches=matches).scenes
    assert len(scene.views) == len(poses)
    found, wanted = centres(scene.cam_from_world), centres(poses)
    moved = found
    if len(poses) > 2:
        moved = transform_points(umeyama(found, wanted, np.ones(len(found))), found)
        extent = np.linalg.norm(wanted - wanted.mean(axis=0), axis=1).max()
        assert np.linalg.norm(moved - wanted, axis=1).max() < 0.006 * extent
    assert turn_error_deg(scene, poses) < 0.3


@pytest.mark.parametrize("matches", [0, 150], ids=["pointmaps", "matches"])
@pytest.mark.parametrize("poses", [TURNING, IDENTICAL], ids=["turning", "identical"])
def test_one_place_is_one_place(scenes, poses, matches):
    """Nothing but the pairs' own depths tells distances; cameras come out where they are: together."""
    (scene,) = aligned(scenes, poses, matches=matches).scenes
    assert len(scene.views) == len(poses)
    away = np.linalg.norm(np.diff(centres(scene.cam_from_world), axis=0), axis=1)
    assert away.max() < 0.01 * np.median(scene.depth[0])
    assert turn_error_deg(scene, poses) < 0.3
    if matches:
        assert "one place" in scene.report.bundle_adjustment


def test_one_image_is_no_scene_and_says_why(scenes):
    truth = scenes.at(TWO[:1])
    result = scenes_with_depth(truth.views, evidence_from_predictions(truth.views, []), AlignmentConfig())
    assert result.scenes == ()
    assert result.dropped == {"00.png": "no pair with another image"}


def test_no_image_is_nothing():
    result = scenes_with_depth([], evidence_from_predictions([], []), AlignmentConfig())
    assert (result.scenes, result.dropped) == ((), {})
