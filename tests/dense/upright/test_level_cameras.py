"""Up by how cameras are held, against cameras whose up is known: in any world, pitched, rolled, all alike."""

import numpy as np
import pytest

from dust3r_sfm.dense.upright import up_from_cameras
from dust3r_sfm.dense.upright.evidence import UpEvidence, combine
from dust3r_sfm.geometry import rotation_from_vector
from dust3r_sfm.geometry.transforms import level_from_world, tangents, turn_onto
from dust3r_sfm.synthetic.cameras import look_at
from dust3r_sfm.synthetic.paths import turn_camera
from dust3r_sfm.types import UpSource

WORLDS = [np.zeros(3), np.array([0.4, -2.0, 1.1]), np.array([np.pi, 0.0, 0.0])]
"""How the world is turned in which z was up."""


def cameras(azimuths_deg, pitches_deg, rolls_deg) -> np.ndarray:
    """cam_from_world, 5 away from the origin and above it, in a world whose z is up."""
    poses = []
    for azimuth, pitch, roll in np.broadcast(azimuths_deg, pitches_deg, rolls_deg):
        flat, steep = np.radians([azimuth, pitch])
        ahead = np.array([np.cos(steep) * np.cos(flat), np.cos(steep) * np.sin(flat), np.sin(steep)])
        poses.append(look_at(np.array([5.0, 1.0, 2.0]), np.array([5.0, 1.0, 2.0]) + ahead, roll))
    return np.stack(poses)


def in_world(poses: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same cameras in a turned world, and what is up there."""
    turned = np.eye(4)
    turned[:3, :3] = rotation_from_vector(turn)
    return poses @ turned.T, turned[:3, 2]


def degrees_between(a, b) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), np.dot(a, b))))


def found(poses: np.ndarray) -> UpEvidence:
    evidence = up_from_cameras(poses)
    assert isinstance(evidence, UpEvidence), evidence
    return evidence


@pytest.mark.parametrize("turn", WORLDS)
@pytest.mark.parametrize("pitch", [-40.0, 0.0, 30.0])
def test_level_cameras_tell_up_however_they_are_pitched(turn, pitch):
    poses, up = in_world(cameras(np.arange(0.0, 90.0, 10.0), pitch, 0.0), turn)
    evidence = found(poses)
    # The guess that cameras look neither up nor down draws a little.
    assert degrees_between(evidence.direction, up) < 0.5
    assert evidence.source is UpSource.CAMERAS


def test_hands_are_not_steady_and_some_photos_lie_on_their_side():
    rng = np.random.default_rng(0)
    rolls = rng.normal(0.0, 3.0, 40)
    rolls[::5] += 90.0
    rolls[7] = 180.0
    poses, up = in_world(cameras(rng.uniform(0, 360, 40), rng.normal(-20, 15, 40), rolls), WORLDS[1])
    assert degrees_between(found(poses).direction, up) < 2.0


def test_stated_deviation_is_about_what_comes_of_noise():
    rng = np.random.default_rng(1)
    errors, stated = [], []
    for _ in range(60):
        poses = cameras(rng.uniform(-30, 30, 12), rng.normal(-15, 5, 12), rng.normal(0.0, 2.5, 12))
        evidence = found(poses)
        errors.append(degrees_between(evidence.direction, [0.0, 0.0, 1.0]))
        stated.append(evidence.std_deg)
    ratio = np.sqrt(np.mean(np.square(errors))) / np.mean(stated)
    assert 0.5 < ratio < 1.5


def test_cameras_that_all_look_one_way_are_taken_to_look_level_and_said_to_be():
    """As of a car that drives straight on."""
    poses, up = in_world(cameras(np.linspace(0.0, 0.4, 50), 1.0, np.linspace(-0.2, 0.2, 50)), WORLDS[1])
    evidence = found(poses)
    assert degrees_between(evidence.direction, up) < 1.5
    assert evidence.std_deg > 10.0
    assert "guess" in evidence.reason


def test_drones_look_down():
    """Turned about their axis in all ways: the direction across their x axes is that axis."""
    rng = np.random.default_rng(2)
    poses, up = in_world(cameras(rng.uniform(0, 360, 30), -90 + rng.uniform(0.5, 6, 30), 0.0), WORLDS[1])
    evidence = found(poses)
    assert evidence.source is UpSource.LOOKING_DOWN
    assert degrees_between(evidence.direction, up) < 4.0


def test_drones_that_fly_to_and_fro_look_down_too():
    headings = np.where(np.arange(24) % 12 < 6, 10.0, 190.0)
    poses, up = in_world(cameras(headings, -88.0, 0.0), WORLDS[0])
    assert found(poses).source is UpSource.LOOKING_DOWN
    assert degrees_between(found(poses).direction, up) < 4.0


def test_cameras_held_in_all_ways_tell_nothing():
    rng = np.random.default_rng(3)
    poses = cameras(rng.uniform(0, 360, 40), rng.uniform(-80, 80, 40), rng.uniform(0, 360, 40))
    reason = up_from_cameras(poses)
    assert isinstance(reason, str)
    assert "of 40 cameras are level" in reason


def test_a_ring_of_photos_that_lie_on_their_side_tells_nothing():
    """As the Middlebury temple's: all x axes are one, and cameras turn about it."""
    poses = cameras(np.linspace(-80.0, 80.0, 16), 0.0, 90.0)
    reason = up_from_cameras(poses)
    assert isinstance(reason, str)
    assert "nothing tells which way is up" in reason


def test_one_photo_and_two():
    for count in (1, 2):
        poses, up = in_world(cameras(np.linspace(0.0, 30.0, count), -5.0, 0.0), WORLDS[1])
        assert degrees_between(found(poses).direction, up) < 6.0


def test_the_same_cameras_give_the_same():
    rng = np.random.default_rng(4)
    poses = turn_many(cameras(rng.uniform(0, 360, 500), rng.normal(0, 10, 500), 0.0), rng)
    np.testing.assert_array_equal(found(poses).direction, found(poses).direction)


def turn_many(poses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.stack([turn_camera(pose, rng.normal(0.0, 2.0, 3)) for pose in poses])


def test_two_kinds_of_evidence_weigh_by_how_sure_they_are():
    """In a plane: the mean of both, weighted by their inverse variances."""
    up = np.array([0.0, 0.0, 1.0])
    tilted = np.array([np.sin(0.02), 0.0, np.cos(0.02)])
    first = UpEvidence(up, 4e-4 * np.eye(2), UpSource.CAMERAS, "a")
    second = UpEvidence(tilted, 1e-4 * np.eye(2), UpSource.VERTICALS, "b")
    both = combine(first, second)
    np.testing.assert_allclose(both.direction, [np.sin(0.016), 0.0, np.cos(0.016)], atol=1e-5)
    np.testing.assert_allclose(both.covariance, 0.8e-4 * np.eye(2), atol=1e-7)
    assert (both.source, both.reason) == (UpSource.VERTICALS, "a; b")


def test_what_each_knows_along_its_own_axis_is_kept():
    x_tilt, y_tilt = (np.array([*xy, 1.0]) / np.linalg.norm([*xy, 1.0]) for xy in ((0.02, 0.0), (0.0, 0.03)))

    def evidence(direction: np.ndarray, variances: list[float]) -> UpEvidence:
        basis = tangents(direction)
        return UpEvidence(direction, basis @ np.diag(variances) @ basis.T, UpSource.CAMERAS, "")

    both = combine(evidence(y_tilt, [1e-1, 1e-6, 1e-6]), evidence(x_tilt, [1e-6, 1e-1, 1e-6]))
    np.testing.assert_allclose(both.direction, np.array([0.02, 0.03, 1.0]), atol=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_smallest_turn(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 3))
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    for target in (b, a, -a):
        turn = turn_onto(a, target)
        np.testing.assert_allclose(turn @ a, target, atol=1e-12)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.trace(turn) == pytest.approx(1 + 2 * a @ target, abs=1e-9)


def test_level_worlds_have_up_at_minus_y():
    np.testing.assert_array_equal(level_from_world(None), np.eye(4))
    np.testing.assert_array_equal(level_from_world(np.array([0.0, -1.0, 0.0])), np.eye(4))
    up = np.array([0.0, 0.6, 0.8])
    np.testing.assert_allclose(level_from_world(up)[:3, :3] @ up, [0.0, -1.0, 0.0], atol=1e-12)
