"""Scenes for the viewer that are made, not reconstructed: cameras on an arc that look at a coloured ball."""

from collections.abc import Sequence

import numpy as np

from dust3r_sfm.geometry import invert_rigid, rigid
from dust3r_sfm.types import Camera, Rigid
from dust3r_sfm.viewer import ViewedComponent, ViewedPair, ViewedPhoto, ViewedPoints, ViewedTracks
from dust3r_sfm.viewer.pictures import jpeg_of

CAMERA = Camera.pinhole(80, 60, 70.0, 70.0, 40.0, 30.0)
RADIUS, AWAY = 1.0, 4.0


def camera_at(angle_rad: float) -> Rigid:
    """Upright, with y down in the world, and the ball's middle in the middle."""
    axes = np.array(
        [[np.cos(angle_rad), 0, np.sin(angle_rad)], [0, 1, 0], [-np.sin(angle_rad), 0, np.cos(angle_rad)]]
    )
    return invert_rigid(rigid(axes, -AWAY * axes[:, 2]))


def picture(number: int) -> bytes:
    """Another plain colour for each."""
    return jpeg_of(np.full((60, 80, 3), np.random.default_rng(number).integers(40, 220, 3), np.uint8), 80, 90)


def ball(names: Sequence[str], num_points: int = 3000) -> ViewedComponent:
    """Of as many cameras as there are names; each sees the half of the ball that faces it. Confidence grows
    with height, and the first points are tracks of the first two photos with errors 0.5 and 1.5 px."""
    poses = [camera_at(angle) for angle in np.linspace(-1.0, 1.0, len(names))]
    normals = np.random.default_rng(0).normal(size=(num_points, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    centres = np.array([invert_rigid(pose)[:3, 3] for pose in poses])
    faces = normals @ centres.T > RADIUS
    photos = tuple(
        ViewedPhoto(name, CAMERA, pose, picture(number))
        for number, (name, pose) in enumerate(zip(names, poses, strict=True))
    )
    points = ViewedPoints(
        (RADIUS * normals).astype(np.float32),
        (127.5 * (normals + 1)).astype(np.uint8),
        (3 - 2 * normals[:, 1]).astype(np.float32),
        np.concatenate([[0], np.cumsum(faces.sum(axis=1))]),
        np.nonzero(faces)[1],
    )
    count = min(num_points, 50)
    tracks = ViewedTracks(
        RADIUS * normals[:count],
        np.repeat(np.arange(count), 2),
        np.tile([0, 1], count),
        np.tile([0.5, 1.5], count),
    )
    pairs = tuple(
        ViewedPair((i, j), abs(i - j) < 2, 0.2 + 0.1 * i)
        for i in range(len(names))
        for j in range(i + 1, min(i + 3, len(names)))
    )
    return ViewedComponent(photos, points, tracks, pairs)
