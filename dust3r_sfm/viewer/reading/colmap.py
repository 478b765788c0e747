"""What the viewer shows of COLMAP models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.sparse import csc_array, csr_array

from dust3r_sfm.dense.upright.level_cameras import up_from_cameras
from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.geometry.projection import pixel_errors
from dust3r_sfm.io.photo_names import unusable_names
from dust3r_sfm.io.sparse_model import SparseImage, SparseModel, read_sparse_model
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.reading.order import shuffled
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedPhoto, ViewedPoints, ViewedTracks

_ABOVE_MODEL = 3
"""How far above a model its images/ is looked for: OUT/colmap/sparse/0 has it in OUT."""


def component_from_colmap(model: Path, images: Path | None, config: ViewerConfig) -> ViewedComponent:
    """`model` is the folder that holds it; photos are looked for in `images`, or else in images/ beside and
    above it. Raises InputError for a model that cannot be read or poses no photo, and for `images` that has
    none of its photos."""
    sparse = read_sparse_model(model)
    if not sparse.images:
        raise InputError(f"{model}: this model has no photo with a pose; choose another model")
    files = _find_files([image.name for image in sparse.images], model, images)
    photos = tuple(
        ViewedPhoto(image.name, image.camera, image.cam_from_world, files.get(image.name))
        for image in sparse.images
    )
    observed = _observations_by_point(sparse)
    points, tracks = _points(sparse, observed, config), _tracks(sparse, observed)
    up = _up(np.stack([image.cam_from_world for image in sparse.images]))
    return ViewedComponent(photos, points, tracks, unit="that of the model", up=up)


def _up(cam_from_world: Float[np.ndarray, "c 4 4"]) -> tuple[float, float, float] | None:
    found = up_from_cameras(cam_from_world)
    if isinstance(found, str):
        return None
    x, y, z = found.direction.tolist()
    return x, y, z


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


def _observations_by_point(sparse: SparseModel) -> csc_array:
    """A column a point, a row a photo; its data are the observations' places in the order of the photos. As a
    sparse matrix, because that is turned about in linear time."""
    counts = [len(image.rows) for image in sparse.images]
    starts = np.concatenate([[0], np.cumsum(counts)])
    points = np.concatenate([image.rows for image in sparse.images])
    shape = len(sparse.images), len(sparse.xyz)
    return csr_array((np.arange(len(points)), points, starts), shape=shape).tocsc()


def _points(sparse: SparseModel, observed: csc_array, config: ViewerConfig) -> ViewedPoints:
    order = shuffled(len(sparse.xyz), config.max_points)
    counts = np.diff(observed.indptr)[order]
    starts = np.concatenate([[0], np.cumsum(counts)])
    moved = np.repeat(observed.indptr[order] - starts[:-1], counts) + np.arange(starts[-1])
    xyz, photos = sparse.xyz[order].astype(np.float32), np.maximum(counts, 1).astype(np.float32)
    return ViewedPoints(xyz, sparse.rgb[order], photos, starts, observed.indices[moved], "photos")


def _tracks(sparse: SparseModel, observed: csc_array) -> ViewedTracks:
    errors_px = np.concatenate([_errors_px(image, sparse.xyz) for image in sparse.images])
    point_index = np.repeat(np.arange(len(sparse.xyz)), np.diff(observed.indptr))
    return ViewedTracks(sparse.xyz, point_index, observed.indices, errors_px[observed.data])


def _errors_px(image: SparseImage, xyz: Float[np.ndarray, "p 3"]) -> Float[np.ndarray, " o"]:
    seen = project(transform_points(image.cam_from_world, xyz[image.rows]), image.camera)
    return pixel_errors(seen, image.pixels)
