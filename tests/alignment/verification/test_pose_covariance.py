"""The covariance of cameras against its naive twin: all unknowns at once, by finite differences."""

import numpy as np
import pytest

from dust3r_sfm.alignment.verification.pose_covariance import UncertaintyConfig, camera_uncertainty
from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.types import Camera, Tracks

CONFIG = UncertaintyConfig(least_noise_px=0.5, inflation=2.0)
CAMERA = Camera.pinhole(512, 384, 480.0, 480.0, 256.0, 192.0)


def arc(count: int, turning: bool) -> np.ndarray:
    """Cameras before a cloud of points, looking at it or all the same way."""
    angles = np.radians(np.linspace(-25, 25, count))
    turns = rotation_from_vector(np.outer(angles if turning else 0.0 * angles, [0.0, 1.0, 0.0]))
    centres = np.column_stack([6 * np.sin(-angles), 0.1 * np.arange(count), 6 - 6 * np.cos(angles)])
    if not turning:
        centres[:, 1:] = 0.0
    return rigid(turns, -(turns @ centres[..., None])[..., 0])


def tracks_of(poses: np.ndarray, points: np.ndarray) -> Tracks:
    pixels = np.stack([project(transform_points(pose, points), CAMERA) for pose in poses], axis=1)
    count, views = len(points), len(poses)
    return Tracks(
        points,
        np.zeros((count, 3), np.uint8),
        np.repeat(np.arange(count), views),
        np.tile(np.arange(views), count),
        pixels.reshape(-1, 2),
    )


def cloud(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).uniform([-1.5, -1.2, 5.0], [1.5, 1.2, 7.5], (count, 3))


def naive_covariance(poses: np.ndarray, tracks: Tracks) -> np.ndarray:
    """Pseudo-inverse of the whole normal matrix without its seven directions of gauge; poses, then the log
    focal, then points."""
    count = len(poses)

    def seen(change: np.ndarray) -> np.ndarray:
        twist = change[: 6 * count].reshape(-1, 6)
        moved = rigid(rotation_from_vector(twist[:, :3]), twist[:, 3:]) @ poses
        xyz = tracks.xyz + change[6 * count + 1 :].reshape(-1, 3)
        focal = 480.0 * np.exp(change[6 * count])
        camera = Camera.pinhole(512, 384, focal, focal, 256.0, 192.0)
        return np.stack([project(transform_points(pose, xyz), camera) for pose in moved], axis=1).ravel()

    size = 6 * count + 1 + 3 * len(tracks.xyz)
    steps = 1e-6 * np.eye(size)
    jacobian = np.stack([(seen(step) - seen(-step)) / 2e-6 for step in steps], axis=1)
    normal = jacobian.T @ jacobian / (0.5 * 2.0) ** 2
    cameras, points = slice(0, 6 * count + 1), slice(6 * count + 1, size)
    across = normal[cameras, points]
    reduced = normal[cameras, cameras] - across @ np.linalg.solve(normal[points, points], across.T)
    values, vectors = np.linalg.eigh(reduced)
    return (vectors[:, 7:] / values[7:]) @ vectors[:, 7:].T


def test_it_equals_its_naive_twin() -> None:
    poses = arc(4, turning=True)
    tracks = tracks_of(poses, cloud())
    found = camera_uncertainty([CAMERA] * 4, poses, tracks, [0] * 4, np.array([np.inf]), CONFIG)
    assert found is not None
    wanted = naive_covariance(poses, tracks)
    for view in range(4):
        block = wanted[6 * view : 6 * view + 6, 6 * view : 6 * view + 6]
        np.testing.assert_allclose(found.covariance[view], block, rtol=1e-3, atol=1e-3 * np.abs(block).max())
    np.testing.assert_allclose(found.log_focal_std, np.sqrt(wanted[24, 24]), rtol=1e-3)


def test_turning_cameras_tell_their_focal_and_sliding_ones_do_not() -> None:
    stds = []
    for turning in (True, False):
        poses = arc(5, turning)
        given = [CAMERA] * 5, poses, tracks_of(poses, cloud()), [0] * 5
        found = camera_uncertainty(*given, np.array([np.inf]), CONFIG)
        assert found is not None
        stds.append(found.log_focal_std[0])
    assert stds[0] < 0.05
    assert stds[1] > 1.0


@pytest.mark.parametrize("prior", [0.0, 0.1])
def test_what_is_known_beforehand_bounds_the_focal(prior: float) -> None:
    poses = arc(5, turning=False)
    tracks = tracks_of(poses, cloud())
    found = camera_uncertainty([CAMERA] * 5, poses, tracks, [0] * 5, np.array([prior]), CONFIG)
    assert found is not None
    assert found.log_focal_std.max() <= prior + 1e-9


def test_scenes_that_are_too_large_are_not_asked() -> None:
    poses = arc(5, turning=True)
    few = UncertaintyConfig(most_unknowns=30)
    assert (
        camera_uncertainty([CAMERA] * 5, poses, tracks_of(poses, cloud()), [0] * 5, np.ones(1), few) is None
    )
