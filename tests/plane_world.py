"""Photo files of one textured plane, of which every pixel's colour, depth and place is known exactly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.geometry import (
    apply_affine,
    invert_rigid,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.images import load_views
from dust3r_sfm.types import AlignmentReport, Camera, ImageSpec, Rigid, Scene, Tracks, View

PLANE_Z = 1.0
_WAVES = np.array([[9.0, 2.0], [-3.0, 11.0], [6.0, -7.0]])
_TURNS = {1: 0, 6: 1, 3: 2, 8: 3}


@dataclass(frozen=True)
class Shot:
    """A stored photo, and how its EXIF says it is to be turned."""

    name: str
    stored: Camera
    orientation: int = 1


LANDSCAPE = Camera.pinhole(320, 240, 300.0, 300.0, 160.0, 120.0)
SQUARE = Camera.pinhole(261, 261, 280.0, 280.0, 130.5, 130.5)
MIXED = (
    Shot("landscape.png", LANDSCAPE),
    Shot("phone/portrait.jpg", LANDSCAPE, 6),
    Shot("phone/upside down.jpg", LANDSCAPE, 3),
    Shot("phone/other way.jpg", LANDSCAPE, 8),
    Shot("square é.png", SQUARE),
    Shot("tall.jpg", Camera.pinhole(240, 320, 310.0, 310.0, 120.0, 160.0)),
)
"""Portraits by EXIF, a square and landscapes in one folder; names that trainers stumble on."""


def with_lens(shots: Sequence[Shot], k1: float, shift: float = 0.0) -> tuple[Shot, ...]:
    """The same through a distorting lens that sits beside the middle."""
    return tuple(
        replace(
            shot,
            stored=Camera.radial(
                shot.stored.width,
                shot.stored.height,
                *shot.stored.focals,
                shot.stored.cx + shift,
                shot.stored.cy - shift,
                k1,
            ),
        )
        for shot in shots
    )


def color_of(points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """What colour the plane has at world points."""
    return 128.0 + 100.0 * np.sin(points[..., :2] @ _WAVES.T)


def plane_points(camera: Camera, cam_from_world: Rigid) -> Float[np.ndarray, "h w 3"]:
    """World points behind every pixel."""
    grid = pixel_grid(camera.height, camera.width)
    world_from_cam = invert_rigid(cam_from_world)
    rays = unproject(grid, np.ones(grid.shape[:2]), camera) @ world_from_cam[:3, :3].T
    centre = world_from_cam[:3, 3]
    return centre + rays * ((PLANE_Z - centre[2]) / rays[..., 2:])


def seen(camera: Camera, cam_from_world: Rigid) -> UInt8[np.ndarray, "h w 3"]:
    return color_of(plane_points(camera, cam_from_world)).round().astype(np.uint8)


def shift_px(picture: np.ndarray, camera: Camera, cam_from_world: Rigid) -> float:
    """By how many pixels a picture is off from what the camera sees: the motion (least squares) of its
    worst eighth. Turned or mirrored pictures are off by many."""
    truth = color_of(plane_points(camera, cam_from_world))
    inner = np.s_[2:-2, 2:-2]
    slope_y, slope_x = (slope[inner] for slope in np.gradient(truth, axis=(0, 1)))
    difference = (picture.astype(float) - truth)[inner]
    parts = []
    for rows in np.array_split(np.arange(difference.shape[0]), 4):
        for columns in np.array_split(np.arange(difference.shape[1]), 2):
            at = np.ix_(rows, columns)
            slopes = np.stack([slope_x[at].ravel(), slope_y[at].ravel()], axis=-1)
            parts.append(np.linalg.lstsq(slopes, difference[at].ravel(), rcond=None)[0])
    assert np.abs(difference).mean() < 12.0
    return float(np.linalg.norm(parts, axis=1).max())


def write_photos(folder: Path, shots: Sequence[Shot]) -> None:
    for index, shot in enumerate(shots):
        path = folder / shot.name
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[274] = shot.orientation
        picture = Image.fromarray(seen(shot.stored, stored_pose(shot, index)))
        options = {"quality": 97, "subsampling": 0} if path.suffix == ".jpg" else {}
        picture.save(path, exif=exif, **options)


def stored_pose(shot: Shot, index: int) -> Rigid:
    """cam_from_world of the stored pixels: the world upright in the photo after its turn."""
    turn = rotation_from_vector(np.array([0.0, 0.0, -np.pi / 2 * _TURNS[shot.orientation]]))
    aside = rotation_from_vector(np.array([0.05 * (index % 3) - 0.04, 0.06 * index - 0.15, 0.02 * index]))
    return rigid(turn @ aside, turn @ np.array([0.15 * index - 0.4, 0.1 * (index % 2), 2.0]))


def plane_scene(
    photos: Path, shots: Sequence[Shot], masks: Path | None = None, long_edge: int = 160
) -> Scene:
    """The exact scene of the photos, read as `reconstruct` reads them, with a crop to multiples of 16."""
    loaded = load_views(photos, ImageSpec(160, 16), masks)
    by_name = {shot.name: (shot, stored_pose(shot, index)) for index, shot in enumerate(shots)}
    placed = [_upright(view, *by_name[view.name]) for view in loaded.views]
    cameras = tuple(camera for camera, _ in placed)
    poses = np.stack([pose for _, pose in placed])
    depth = tuple(
        transform_points(pose, plane_points(camera, pose).reshape(-1, 3))[:, 2]
        .reshape(camera.height, camera.width)
        .astype(np.float32)
        for camera, pose in placed
    )
    return Scene(
        loaded.views,
        cameras,
        poses,
        depth,
        tuple(np.full_like(each, 5.0) for each in depth),
        _tracks(cameras, poses),
        AlignmentReport((), "kept"),
    )


def _upright(view: View, shot: Shot, pose: Rigid) -> tuple[Camera, Rigid]:
    """The view's camera and pose, by the affine that reading the photo gave."""
    affine = view.pixel_from_original
    turn = np.eye(3)
    turn[:2, :2] = np.sign(np.round(affine[:2, :2], 6))
    K = affine @ shot.stored.matrix @ turn.T
    camera = reframe_camera(shot.stored, view.size, (K[0, 0], K[1, 1]), (K[0, 2], K[1, 2]))
    centre = apply_affine(affine, np.array([shot.stored.cx, shot.stored.cy]))
    assert np.allclose(centre, [camera.cx, camera.cy])
    return camera, rigid(turn, np.zeros(3)) @ pose


def _tracks(cameras: Sequence[Camera], poses: Float[np.ndarray, "n 4 4"]) -> Tracks:
    rng = np.random.default_rng(0)
    xyz = np.column_stack([rng.uniform(-2, 2, (600, 2)), np.full(600, PLANE_Z)])
    at = np.stack([project(transform_points(p, xyz), c) for c, p in zip(cameras, poses, strict=True)], axis=1)
    sizes = np.array([[camera.width, camera.height] for camera in cameras])
    hit = ((at > 0) & (at < sizes)).all(axis=-1)
    kept = hit.sum(axis=1) >= 2
    point_index, view_index = np.nonzero(hit[kept])
    color = color_of(xyz[kept]).round().astype(np.uint8)
    return Tracks(xyz[kept], color, point_index, view_index, at[kept][point_index, view_index])
