"""Which photos see a point of the cloud, by the depth that each of them has there."""

from contextlib import closing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.geometry.resampling import inside, nearest_indices
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.types import Scene


@dataclass(frozen=True)
class Sightings:
    """See `ViewedPoints`."""

    confidence: Float[np.ndarray, " n"]
    seen_from: Int[np.ndarray, " n_plus_1"]
    seen_by: Int[np.ndarray, " m"]


def sightings_of(scene: Scene, xyz: Float[np.ndarray, "n 3"], agreement: float) -> Sightings:
    """A photo sees what lies at its own depth, but for this share; the confidence is that of the photo that
    is surest of it, and 1 where none sees a point."""
    confidence = np.ones(len(xyz), dtype=np.float32)
    rows: list[np.ndarray] = []
    with closing(
        in_threads(lambda view: _seen_in(scene, view, xyz, agreement), range(len(scene.views)))
    ) as all_:
        for seen, sure in all_:
            confidence[seen] = np.maximum(confidence[seen], sure)
            rows.append(seen)
    return Sightings(confidence, *compressed(rows, len(xyz)))


def compressed(
    rows: list[Int[np.ndarray, " _seen"]], count: int
) -> tuple[Int[np.ndarray, " n_plus_1"], Int[np.ndarray, " m"]]:
    """`seen_from` and `seen_by`, out of the points that each photo sees."""
    points = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    photos = np.repeat(np.arange(len(rows), dtype=np.int32), [len(seen) for seen in rows])
    starts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(points, minlength=count), out=starts[1:])
    return starts, photos[np.argsort(points, kind="stable")]


def _seen_in(
    scene: Scene, view: int, xyz: Float[np.ndarray, "n 3"], agreement: float
) -> tuple[Int[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """Rows of the points that this view sees, and how sure it is of them."""
    depth, confidence = scene.depth[view], scene.confidence[view]
    in_camera = transform_points(scene.cam_from_world[view], xyz.astype(np.float64))
    pixels = project(in_camera, scene.cameras[view])
    rows = np.flatnonzero(inside(pixels, *depth.shape))
    cells = nearest_indices(pixels[rows], *depth.shape)
    z, known = in_camera[rows, 2], depth[cells]
    sees = (known > 0) & (np.abs(known - z) <= agreement * z)
    return rows[sees], confidence[cells][sees].astype(np.float32)
