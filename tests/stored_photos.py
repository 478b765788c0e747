"""A small scene with exact geometry: photos stored upright and turned, cropped and of many shapes."""

from dataclasses import dataclass

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    apply_affine,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.types import (
    AlignmentReport,
    Camera,
    Pair,
    PairGeometry,
    PairReport,
    Scene,
    Tracks,
    View,
)

LANDSCAPE = Camera.pinhole(640, 480, 500.0, 500.0, 320.0, 240.0)
PORTRAIT = Camera.pinhole(480, 640, 510.0, 510.0, 240.0, 320.0)
SQUARE = Camera.pinhole(500, 500, 450.0, 450.0, 250.0, 250.0)


@dataclass(frozen=True)
class Truth:
    """The scene, and the stored files' cameras and cam_from_world it was made from."""

    scene: Scene
    cameras: tuple[Camera, ...]
    cam_from_world: np.ndarray


@dataclass(frozen=True)
class Photo:
    """Quarter turns clockwise from stored to upright, then a resize, then a crop of all four sides."""

    name: str
    stored: Camera
    quarter_turns: int = 0
    scale: tuple[float, float] = (0.25, 0.25)
    crop: int = 0


PHOTOS = (
    Photo("landscape.jpg", LANDSCAPE),
    Photo("again.jpg", LANDSCAPE),
    Photo("portrait.jpg", PORTRAIT),
    Photo("sub/square_é.png", SQUARE),
    Photo("exif_90.jpg", LANDSCAPE, quarter_turns=1),
    Photo("exif_180.jpg", LANDSCAPE, quarter_turns=2),
    Photo("exif_270.jpg", LANDSCAPE, quarter_turns=3),
    Photo("cropped.jpg", LANDSCAPE, crop=8),
    Photo("uneven_turned_cropped.jpg", LANDSCAPE, 1, (0.25, 0.2), 8),
    Photo("sees_nothing.jpg", LANDSCAPE),
)


@pytest.fixture(scope="session")
def truth() -> Truth:
    rng = np.random.default_rng(5)
    parts = [_posed(photo, _stored_pose(index), rng) for index, photo in enumerate(PHOTOS)]
    views, cameras, poses = (list(column) for column in zip(*parts, strict=True))
    cam_from_world = np.stack(poses)
    depth = [_plane_depth(camera, pose) for camera, pose in zip(cameras, poses, strict=True)]
    scene = Scene(
        views=tuple(views),
        cameras=tuple(cameras),
        cam_from_world=cam_from_world,
        depth=tuple(depth),
        confidence=tuple(rng.uniform(1, 4, d.shape) for d in depth),
        tracks=_tracks(cameras, cam_from_world, rng),
        report=_report(),
    )
    stored_poses = np.stack([_stored_pose(index) for index in range(len(PHOTOS))])
    return Truth(scene, tuple(photo.stored for photo in PHOTOS), stored_poses)


@pytest.fixture
def scene(truth: Truth) -> Scene:
    return truth.scene


def _stored_pose(index: int) -> np.ndarray:
    """Cameras in a row 4 in front of the origin, each looking somewhat aside."""
    rotation = rotation_from_vector(np.array([0.02 * index, -0.03 * index + 0.1, 0.05 * (index % 3)]))
    return rigid(rotation, np.array([0.2 * index - 0.9, 0.05 * (index % 4), 4.0]))


def _posed(photo: Photo, stored_pose: np.ndarray, rng) -> tuple[View, Camera, np.ndarray]:
    rotation, affine, (width, height) = np.eye(3), np.eye(3), (photo.stored.width, photo.stored.height)
    for _ in range(photo.quarter_turns):
        # Clockwise: what was up points right, so x' = height - y and y' = x.
        rotation = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ rotation
        affine = np.array([[0.0, -1.0, height], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ affine
        width, height = height, width
    affine = np.diag([*photo.scale, 1.0]) @ affine
    affine[:2, 2] -= photo.crop
    width, height = (
        round(side * s) - 2 * photo.crop for side, s in zip((width, height), photo.scale, strict=True)
    )
    K = affine @ photo.stored.matrix @ rotation.T
    view = View(
        name=photo.name,
        image=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        pixel_from_original=affine,
        original_size=(photo.stored.width, photo.stored.height),
    )
    camera = Camera.pinhole(width, height, float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]))
    return view, camera, rigid(rotation, np.zeros(3)) @ stored_pose


def _plane_depth(camera: Camera, cam_from_world: np.ndarray) -> np.ndarray:
    """Depth of the world's plane z = 1."""
    rays = (
        np.linalg.inv(camera.matrix)
        @ np.concatenate(
            [pixel_grid(camera.height, camera.width), np.ones((camera.height, camera.width, 1))], axis=-1
        )[..., None]
    )
    world_from_cam = np.linalg.inv(cam_from_world)
    return (1.0 - world_from_cam[2, 3]) / (world_from_cam[2, :3] @ rays[..., 0][..., None])[..., 0]


def _tracks(cameras: list[Camera], cam_from_world: np.ndarray, rng) -> Tracks:
    """Points in a box, seen by every camera but the last whose image they fall in."""
    xyz = rng.uniform(-1, 1, (400, 3))
    seen, pixels = [], []
    for camera, pose in zip(cameras[:-1], cam_from_world, strict=False):
        at = project(transform_points(pose, xyz), camera)
        seen.append(((at > 0) & (at < [camera.width, camera.height])).all(axis=1) & (rng.random(400) < 0.6))
        pixels.append(at)
    xyz_kept = np.flatnonzero(np.sum(seen, axis=0) >= 2)
    point_index, view_index = np.nonzero(np.array(seen).T[xyz_kept])
    return Tracks(
        xyz=xyz[xyz_kept],
        color=rng.integers(0, 256, (len(xyz_kept), 3), dtype=np.uint8),
        point_index=point_index,
        view_index=view_index,
        pixels=np.stack(pixels, axis=1)[xyz_kept][point_index, view_index],
    )


def _report() -> AlignmentReport:
    pairs = (
        PairReport(Pair(0, 1), True, PairGeometry.GENERAL, 120, 0.25),
        PairReport(Pair(1, 9), False, PairGeometry.UNRELATED, 3, None, "too few correspondences"),
    )
    return AlignmentReport(pairs, "kept", 0.5, 0.25)


@pytest.fixture(scope="session")
def stored_pixels(truth: Truth) -> np.ndarray:
    """Each observation in the stored file, by the scene's affines one at a time."""
    tracks, views = truth.scene.tracks, truth.scene.views
    inverses = [np.linalg.inv(view.pixel_from_original) for view in views]
    return np.array(
        [apply_affine(inverses[v], p) for v, p in zip(tracks.view_index, tracks.pixels, strict=True)]
    )
