"""Reference poses that contradict their photos: what the photos agree on instead, and the way back."""

from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    invert_rigid,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.geometry.projection import project
from dust3r_sfm.localization import LocalizationConfig, PosedPhoto, PreparationConfig
from dust3r_sfm.localization.absolute_pose import solve_pose
from dust3r_sfm.localization.config import PoseTransferConfig
from dust3r_sfm.localization.mapping.pose_consistency import Agreed, pose_distances, transfer_pose
from dust3r_sfm.localization.mapping.reference import NO_POINTS
from dust3r_sfm.localization.mapping.triangulation import FeaturePoints, triangulate_features
from dust3r_sfm.types import Camera, Pair, Rigid

CAMERA = Camera("PINHOLE", 640, 480, (500.0, 500.0, 320.0, 240.0))
COUNT = 150
DEPTH = 5.0
XYZ = np.random.default_rng(1).uniform([-2.5, -1.5, 4.0], [2.5, 1.5, 6.0], (COUNT, 3))


def truth(place: float) -> Rigid:
    """A camera on an arc, from -1 to 1."""
    turn = rotation_from_vector(np.array([0.02 * place, 0.3 * place, 0.0]))
    return rigid(turn, -turn @ np.array([-1.5 * place, 0.1 * place**2, 0.2 * place]))


def given(place: float, size: float) -> Rigid:
    """What a drifting sensor says: off by up to `size`, and alike for cameras that are near each other."""
    wave = size * np.array([np.sin(3 * place), np.cos(4 * place), np.sin(5 * place + 1)])
    return rigid(rotation_from_vector(0.2 * wave[::-1]), wave) @ truth(place)


def seen(place: float, noise_px: float) -> np.ndarray:
    exact = project(transform_points(truth(place), XYZ), CAMERA)
    return exact + np.random.default_rng(int(100 + 50 * place)).normal(0.0, noise_px, exact.shape)


def reference(size: float, noise_px: float) -> tuple[tuple[PosedPhoto, ...], FeaturePoints]:
    places = np.linspace(-1.0, 1.0, 9)
    photos = tuple(PosedPhoto(f"{p}", Path("none"), CAMERA, given(p, size)) for p in places)
    same = np.stack([np.arange(COUNT), np.arange(COUNT)], axis=1)
    matches = {Pair(i, j): same for i in range(9) for j in range(i + 1, min(i + 4, 9))}
    pixels = [seen(p, noise_px) for p in places]
    return photos, triangulate_features(photos, pixels, matches, NO_POINTS, PreparationConfig())


@pytest.mark.parametrize("noise_px", [0.05, 0.5])
def test_poses_as_good_as_the_photos_can_tell_are_kept(noise_px: float) -> None:
    _, found = reference(0.0, noise_px)
    assert found.agreed is None


def test_photos_agree_on_their_true_relative_poses() -> None:
    photos, found = reference(0.01, 0.2)
    assert found.agreed is not None
    assert np.isfinite(found.agreed.xyz).all(axis=1).mean() > 0.95
    for i, j in ((0, 1), (3, 5), (6, 8)):
        true = truth(-1 + j / 4) @ invert_rigid(truth(-1 + i / 4))
        said = photos[j].cam_from_world @ invert_rigid(photos[i].cam_from_world)
        agreed = found.agreed.cam_from_world[j] @ invert_rigid(found.agreed.cam_from_world[i])
        off, off_before = (rotation_angle_deg(pose[:3, :3] @ true[:3, :3].T) for pose in (agreed, said))
        assert off < 0.3 * off_before


def test_a_photo_is_carried_into_the_drifting_world() -> None:
    """Better than by points that were triangulated in it, and no farther off than its spread says."""
    photos, found = reference(0.01, 0.2)
    assert found.agreed is not None
    config, carried_cm, plain_cm, within = LocalizationConfig(), [], [], []
    for place in (-0.87, -0.6, -0.36, 0.1, 0.4, 0.63, 0.9):
        row = np.unique(np.concatenate(found.point_of_feature), return_index=True)
        feature = row[1][row[0] >= 0] % COUNT
        pixels, said = seen(place, 0.2)[feature], given(place, 0.01)
        poses = []
        for points in (found.agreed.xyz, found.xyz):
            known = np.isfinite(points).all(axis=1)
            solved = solve_pose(pixels[known], points[known], CAMERA, False, config)
            assert solved is not None
            poses.append(solved.cam_from_world)
        pose, spread = transfer_pose(poses[0], found.agreed, photos, DEPTH, config.pose_transfer)
        carried_cm.append(centre_off(pose, said))
        plain_cm.append(centre_off(poses[1], said))
        within.append(carried_cm[-1] < 150 * np.sqrt(np.trace(spread[3:, 3:])))
    assert np.median(carried_cm) < 0.5 * np.median(plain_cm)
    assert all(within)


def test_a_world_that_was_moved_as_a_whole_is_moved_back() -> None:
    photos, _ = reference(0.0, 0.0)
    step = rigid(rotation_from_vector(np.array([0.1, -0.4, 0.2])), np.array([1.0, 2.0, -3.0]))
    agreed = Agreed(np.stack([photo.cam_from_world @ step for photo in photos]), np.zeros((0, 3)))
    pose, spread = transfer_pose(truth(0.3) @ step, agreed, photos, DEPTH, PoseTransferConfig())
    np.testing.assert_allclose(pose, truth(0.3), atol=1e-9)
    np.testing.assert_allclose(spread, 0.0, atol=1e-12)


def test_a_photo_at_the_place_of_a_reference_goes_with_it() -> None:
    photos, _ = reference(0.01, 0.2)
    agreed = Agreed(np.stack([truth(p) for p in np.linspace(-1.0, 1.0, 9)]), np.zeros((0, 3)))
    pose, _ = transfer_pose(truth(0.25), agreed, photos, DEPTH, PoseTransferConfig())
    np.testing.assert_allclose(pose, photos[5].cam_from_world, atol=1e-4)


def test_distances() -> None:
    turned = rigid(rotation_from_vector(np.array([0.0, 0.2, 0.0])), np.zeros(3))
    moved = rigid(np.eye(3), np.array([3.0, 0.0, 4.0]))
    np.testing.assert_allclose(
        pose_distances(np.eye(4), np.stack([np.eye(4), turned, moved]), 10.0), [0, 2, 5]
    )


def centre_off(pose: Rigid, true: Rigid) -> float:
    return float(100 * np.linalg.norm(invert_rigid(pose)[:3, 3] - invert_rigid(true)[:3, 3]))
