"""What the viewer shows of COLMAP models."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float, Int, UInt8

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.geometry.projection import pixel_errors
from dust3r_sfm.io.colmap_model import pose_of_image, read_model
from dust3r_sfm.io.photo_names import unusable_names
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.reading.scenes import shuffled
from dust3r_sfm.viewer.reading.seen_by import compressed
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedPhoto, ViewedPoints, ViewedTracks

_ABOVE_MODEL = 3
"""How far above a model its images/ is looked for: OUT/colmap/sparse/0 has it in OUT."""


def component_from_colmap(model: Path, images: Path | None, config: ViewerConfig) -> ViewedComponent:
    """`model` is the folder that holds it; photos are looked for in `images`, or else in images/ beside and
    above it. Raises InputError for a model that cannot be read or poses no photo, and for `images` that has
    none of its photos."""
    colmap = read_model(model)
    posed = [image for _, image in sorted(colmap.images.items()) if image.has_pose]
    if not posed:
        raise InputError(f"{model}: this model has no photo with a pose; choose another model")
    photos = _photos(colmap, posed, _find_files([image.name for image in posed], model, images))
    xyz, rgb, observed = _read_points(colmap, posed)
    return ViewedComponent(
        photos, _points(xyz, rgb, observed, config), _tracks(photos, xyz, observed), unit="that of the model"
    )


def _photos(
    colmap: pycolmap.Reconstruction, posed: Sequence[pycolmap.Image], files: Mapping[str, Path]
) -> tuple[ViewedPhoto, ...]:
    return tuple(
        ViewedPhoto(
            image.name,
            camera_from_pycolmap(colmap.cameras[image.camera_id]),
            pose_of_image(image),
            files.get(image.name),
        )
        for image in posed
    )


def _find_files(names: Sequence[str], model: Path, images: Path | None) -> dict[str, Path]:
    """Of those that are there. A name that leads out of its folder stands for no photo."""
    above = [model, *list(model.absolute().parents)[:_ABOVE_MODEL]]
    roots = [folder / "images" for folder in above] if images is None else [images]
    unusable = unusable_names(names)
    for root in roots:
        if found := {name: root / name for name in names if name not in unusable and (root / name).is_file()}:
            return found
    if images is not None:
        raise InputError(
            f"{images}: has none of the photos of {model}, such as {names[0]!r}; give --images DIR"
        )
    return {}


_Observed = list[tuple[Int[np.ndarray, " _o"], Float[np.ndarray, "_o 2"]]]
"""Of each photo the rows of the points that it shows, and where in the stored file."""


def _read_points(
    colmap: pycolmap.Reconstruction, posed: Sequence[pycolmap.Image]
) -> tuple[Float[np.ndarray, "p 3"], UInt8[np.ndarray, "p 3"], _Observed]:
    ids = np.array(sorted(colmap.points3D), dtype=np.int64)
    observed = []
    for image in posed:
        shown = [point for point in image.points2D if point.has_point3D()]
        rows = np.searchsorted(ids, np.array([point.point3D_id for point in shown], dtype=np.int64))
        observed.append((rows, np.array([point.xy for point in shown]).reshape(-1, 2)))
    points = [colmap.points3D[number] for number in ids.tolist()]
    xyz = np.array([point.xyz for point in points], dtype=np.float64).reshape(-1, 3)
    rgb = np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3)
    return xyz, rgb, observed


def _points(
    xyz: Float[np.ndarray, "p 3"], rgb: UInt8[np.ndarray, "p 3"], observed: _Observed, config: ViewerConfig
) -> ViewedPoints:
    order = shuffled(len(xyz), config.max_points)
    place = np.full(len(xyz), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    rows = [np.unique(found[found >= 0]) for found in (place[seen] for seen, _ in observed)]
    starts, seen_by = compressed(rows, len(order))
    photos = np.maximum(np.diff(starts), 1).astype(np.float32)
    return ViewedPoints(xyz[order].astype(np.float32), rgb[order], photos, starts, seen_by, "photos")


def _tracks(
    photos: Sequence[ViewedPhoto], xyz: Float[np.ndarray, "p 3"], observed: _Observed
) -> ViewedTracks:
    errors = [
        pixel_errors(project(transform_points(photo.cam_from_world, xyz[rows]), photo.camera), pixels)
        for photo, (rows, pixels) in zip(photos, observed, strict=True)
    ]
    point_index = np.concatenate([rows for rows, _ in observed])
    photo_index = np.repeat(np.arange(len(observed)), [len(rows) for rows, _ in observed])
    order = np.argsort(point_index, kind="stable")
    return ViewedTracks(xyz, point_index[order], photo_index[order], np.concatenate(errors)[order])
