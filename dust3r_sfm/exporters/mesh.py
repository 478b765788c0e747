"""A surface through the dense cloud."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pycolmap

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.exporters.point_cloud import export_point_cloud

_LEAST_POINTS = 100
_SPARSEST_LEVELS = 1
"""Surface is kept where points are at most this many levels of the octree sparser than its finest cells;
more of it would be guessed."""


def export_mesh(cloud: PointCloud, path: Path, depth: int = 10) -> None:
    """Writes a coloured triangle mesh as PLY by screened Poisson reconstruction (Kazhdan and Hoppe 2013;
    pycolmap's), on an octree of that depth, without the parts that no points support.

    The cloud needs normals; points without one are left out. Raises ReconstructionError for too few.
    """
    assert cloud.normals is not None, "a mesh needs normals"
    cloud = cloud[np.flatnonzero((cloud.normals != 0).any(axis=1))]
    if len(cloud) < _LEAST_POINTS:
        raise ReconstructionError(
            f"no mesh: {len(cloud)} points agree in enough views, {_LEAST_POINTS} are needed; "
            "lower --min-views or --min-confidence"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        points = Path(folder) / "points.ply"
        export_point_cloud(cloud, points)
        # Its threads spin while they wait for one another: two take longer than one.
        options = pycolmap.PoissonMeshingOptions(depth=depth, trim=depth - _SPARSEST_LEVELS, num_threads=1)
        pycolmap.poisson_meshing(points, path, options)
