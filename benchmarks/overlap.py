"""How much photos see of the same surfaces, by true cameras and true depth of some of them.

All depth maps together make one cloud. A photo sees those of its points that are not hidden behind others,
and two photos overlap by the share of points that both see, of the one that sees more.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from dust3r_sfm.evaluation import PosedCamera
from dust3r_sfm.geometry import invert_rigid, pixel_grid, project, transform_points, unproject

VOXEL_M = 0.02
CELLS_ACROSS = 40
"""A photo's cells, in each of which what is farther than the nearest point by more than this is hidden:"""
DEPTH_SLACK, SLACK_M = 0.05, 0.05
NEAREST_M = 0.3


def overlaps(truth: Mapping[str, PosedCamera], depth: Path) -> Float[np.ndarray, "n n"]:
    """Of the photos of `truth` in their order. `depth` holds 16-bit PNG in millimetres, 0 = unknown, named
    as the photos but for the suffix."""
    cloud = surface_points(truth, depth)
    seen = np.stack([visible(cloud, photo) for photo in truth.values()]).astype(np.float32)
    both = seen @ seen.T
    return both / np.maximum(np.maximum.outer(np.diag(both), np.diag(both)), 1.0)


def surface_points(truth: Mapping[str, PosedCamera], depth: Path) -> Float[np.ndarray, "n 3"]:
    """One world point a voxel."""
    by_stem = {Path(name).stem: photo for name, photo in truth.items()}
    parts = []
    for path in sorted(depth.iterdir()):
        with Image.open(path) as image:
            z = np.asarray(image, dtype=np.float64) / 1000
        photo = by_stem[path.stem]
        known = z > 0
        points = unproject(pixel_grid(*z.shape)[known], z[known], photo.camera)
        parts.append(transform_points(invert_rigid(photo.cam_from_world), points))
    cloud = np.concatenate(parts)
    return cloud[np.unique(np.floor(cloud / VOXEL_M).astype(np.int64), axis=0, return_index=True)[1]]


def visible(cloud: Float[np.ndarray, "n 3"], photo: PosedCamera) -> Bool[np.ndarray, " n"]:
    local = transform_points(photo.cam_from_world, cloud)
    z, pixels = local[:, 2], project(local, photo.camera)
    size = photo.camera.width, photo.camera.height
    inside = (z > NEAREST_M) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)
    rows = np.flatnonzero(inside)
    cell_px = photo.camera.width / CELLS_ACROSS
    column, row = (pixels[rows] // cell_px).astype(np.int64).T
    cell = row * CELLS_ACROSS + column
    nearest = np.full(cell.max(initial=0) + 1, np.inf)
    np.minimum.at(nearest, cell, z[rows])
    inside[rows] = z[rows] < nearest[cell] * (1 + DEPTH_SLACK) + SLACK_M
    return inside
