"""Reference sets out of COLMAP models: cameras of any lens, poses and points as they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pycolmap

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.io.colmap_model import pose_of_image, read_model
from dust3r_sfm.localization.mapping.photo_files import find_listed_photos
from dust3r_sfm.localization.mapping.reference import NO_POINTS, DepthMap, KnownPoints, PosedPhoto, Reference


def read_colmap_set(
    folder: Path,
    images: Path | None = None,
    paths: Mapping[str, Path] | None = None,
    depth: Mapping[str, DepthMap] | None = None,
) -> Reference:
    """`folder` holds the model itself. `paths` and `depth`, by photo name, are what is known besides.
    Raises InputError for a model that cannot be read, that poses no photo, or whose photos are not there."""
    model = read_model(folder)
    posed = [image for _, image in sorted(model.images.items()) if image.has_pose]
    if not posed:
        raise InputError(f"{folder}: this model has no photo with a pose; choose another model")
    names = [image.name for image in posed]
    files, skipped = find_listed_photos(names, folder, images, paths or {})
    kept = [image for image in posed if image.name in files]
    photos = tuple(_posed_photo(model, image, files[image.name]) for image in kept)
    points = _known_points(model, [image.image_id for image in kept])
    return Reference(folder, photos, points, folder, depth or {}, skipped)


def _posed_photo(model: pycolmap.Reconstruction, image: pycolmap.Image, path: Path) -> PosedPhoto:
    camera = camera_from_pycolmap(model.cameras[image.camera_id])
    return PosedPhoto(image.name, path, camera, pose_of_image(image))


def _known_points(model: pycolmap.Reconstruction, image_ids: Sequence[int]) -> KnownPoints:
    ids = np.array(sorted(model.points3D), dtype=np.int64)
    if len(ids) == 0:
        return NO_POINTS
    parts = []
    for index, image_id in enumerate(image_ids):
        seen = [point for point in model.images[image_id].points2D if point.has_point3D()]
        rows = np.searchsorted(ids, np.array([point.point3D_id for point in seen], dtype=np.int64))
        pixels = np.array([point.xy for point in seen]).reshape(-1, 2)
        parts.append((rows, np.full(len(rows), index), pixels))
    point_index, photo_index, pixels = (np.concatenate(part) for part in zip(*parts, strict=True))
    xyz = np.array([model.points3D[key].xyz for key in ids.tolist()])
    return KnownPoints(ids, xyz, point_index, photo_index, pixels)
