"""COLMAP models as arrays: cameras, points, and where photos see them. Millions of points in seconds, where
pycolmap's objects take minutes to walk through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float, Int, UInt8, UInt64

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.io.colmap.binary import read_binary_cameras, read_binary_keypoints, read_binary_points
from dust3r_sfm.io.colmap.records import NO_POINT, ImageRecord, ModelRecords, check_cameras, unique
from dust3r_sfm.io.colmap_model import pose_of_image, read_model
from dust3r_sfm.io.values import FARTHEST
from dust3r_sfm.types import Camera, Rigid

_DENSEST = 8
"""Numbers of points up to so many times the observations are counted in an array; others are rare, and read
more slowly."""


@dataclass(frozen=True)
class SparseImage:
    """A photo of a model that has a pose."""

    name: str
    """As the model has it; may hold anything."""
    camera: Camera
    """Of the stored file."""
    cam_from_world: Rigid
    """OpenCV axes of the stored file, before any EXIF rotation."""
    rows: Int[np.ndarray, " o"]
    """Of the points that it observes, in `SparseModel.xyz`."""
    pixels: Float[np.ndarray, "o 2"]
    """Where it does: continuous pixels of the stored file."""


@dataclass(frozen=True)
class SparseModel:
    """All of a model but its rigs."""

    images: tuple[SparseImage, ...]
    """In the order of their numbers."""
    xyz: Float[np.ndarray, "p 3"]
    """World coordinates of the points."""
    rgb: UInt8[np.ndarray, "p 3"]
    """Colours of the points."""


def read_sparse_model(folder: Path) -> SparseModel:
    """`folder` holds the model itself, in either form. Raises InputError for one that lacks a part or is
    damaged."""
    parts = ("cameras", "images", "points3D")
    if not all((folder / f"{part}.bin").is_file() for part in parts):
        return _from_pycolmap(read_model(folder))
    try:
        return _read_binary(folder)
    except (ValueError, OSError) as error:
        raise InputError(f"{folder}: not a readable COLMAP model ({error}); write it again") from error


def _read_binary(folder: Path) -> SparseModel:
    cameras = unique("the camera", read_binary_cameras(folder / "cameras.bin"))
    read = sorted(read_binary_keypoints(folder / "images.bin"), key=lambda image: image[0])
    check_cameras(
        ModelRecords(cameras, unique("the image", ((number, record) for number, record, _ in read)))
    )
    points = read_binary_points(folder / "points3D.bin", _track_lengths([record for _, record, _ in read]))
    if not (np.abs(points.xyz) <= FARTHEST).all():
        raise ValueError("points with coordinates that are not finite, or far too large")
    order = np.argsort(points.point_ids, kind="stable")
    ids = points.point_ids[order]
    if (ids[1:] == ids[:-1]).any():
        raise ValueError("a point stands there twice")
    images = []
    for _, record, pixels in read:
        shown = np.flatnonzero(record.point_ids != NO_POINT)
        rows = order[_rows_of(record.point_ids[shown], ids, record.name)]
        camera, seen = cameras[record.camera_id], pixels[shown].astype(np.float64)
        images.append(SparseImage(record.name, camera, record.cam_from_world, rows, seen))
    return SparseModel(tuple(images), points.xyz, points.rgb)


def _track_lengths(images: Sequence[ImageRecord]) -> Int[np.ndarray, " n"]:
    """Of the points that photos show, in the order of their numbers."""
    shown = [image.point_ids[image.point_ids != NO_POINT] for image in images]
    ids = np.concatenate(shown) if shown else np.zeros(0, dtype=np.uint64)
    if not len(ids) or int(ids.max()) > _DENSEST * len(ids):
        return np.zeros(0, dtype=np.int64)
    counts = np.bincount(ids.astype(np.int64))
    return counts[counts > 0]


def _rows_of(
    point_ids: UInt64[np.ndarray, " o"], ids: UInt64[np.ndarray, " p"], name: str
) -> Int[np.ndarray, " o"]:
    if len(ids) and int(ids[-1] - ids[0]) == len(ids) - 1:
        # Numbers without a gap, as most models have: below the first they wrap around to what is too large.
        rows = (point_ids - ids[0]).astype(np.int64)
        rows[(rows < 0) | (rows >= len(ids))] = len(ids)
    else:
        rows = np.searchsorted(ids, point_ids)
    found = rows < len(ids)
    if not found.all() or (ids[rows] != point_ids).any():
        raise ValueError(f"{name!r} shows a point that is not there")
    return rows


def _from_pycolmap(model: pycolmap.Reconstruction) -> SparseModel:
    ids = np.array(sorted(model.points3D), dtype=np.int64)
    posed = [image for _, image in sorted(model.images.items()) if image.has_pose]
    points = [model.points3D[number] for number in ids.tolist()]
    return SparseModel(
        tuple(_image_from_pycolmap(model, image, ids) for image in posed),
        np.array([point.xyz for point in points], dtype=np.float64).reshape(-1, 3),
        np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3),
    )


def _image_from_pycolmap(
    model: pycolmap.Reconstruction, image: pycolmap.Image, ids: Int[np.ndarray, " p"]
) -> SparseImage:
    shown: Sequence[pycolmap.Point2D] = [point for point in image.points2D if point.has_point3D()]
    rows = np.searchsorted(ids, np.array([point.point3D_id for point in shown], dtype=np.int64))
    pixels = np.array([point.xy for point in shown], dtype=np.float64).reshape(-1, 2)
    camera = camera_from_pycolmap(model.cameras[image.camera_id])
    return SparseImage(image.name, camera, pose_of_image(image), rows, pixels)
