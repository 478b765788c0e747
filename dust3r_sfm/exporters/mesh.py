"""A surface through the dense cloud."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.exporters.point_cloud import export_point_cloud


@dataclass(frozen=True)
class MeshConfig:
    """How fine a mesh is, and where there is one."""

    depth: int = 10
    """Of the octree, at most: its finest cells are 1 / 2^depth of the whole. Points that are fewer than the
    cells of a square face of twice that size have coarser ones: through empty cells nothing would be kept."""
    sparser_levels: int = 1
    """Surface is kept where points are at most this many levels of the octree sparser than its finest cells;
    more of it would be guessed."""
    min_points: int = 100
    """Points with a normal that a surface is laid through."""


def export_mesh(cloud: PointCloud, path: Path, config: MeshConfig | None = None) -> None:
    """Writes a coloured triangle mesh as PLY by screened Poisson reconstruction (Kazhdan and Hoppe 2013;
    pycolmap's), without the parts that no points support.

    The cloud needs normals; points without one are left out. Raises ReconstructionError for too few.
    """
    config = config or MeshConfig()
    assert cloud.normals is not None, "a mesh needs normals"
    cloud = cloud[np.flatnonzero((cloud.normals != 0).any(axis=1))]
    if len(cloud) < config.min_points:
        raise ReconstructionError(
            f"no mesh: {len(cloud)} points agree in enough views, {config.min_points} are needed; "
            "lower --min-views or --min-confidence"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    points = path.with_name(f".{path.name}.points.ply")
    try:
        export_point_cloud(cloud, points)
        # Its threads spin while they wait for one another: two take longer than one.
        depth = min(config.depth, int(np.log2(len(cloud)) / 2) + 1)
        trim = depth - config.sparser_levels
        options = pycolmap.PoissonMeshingOptions(depth=depth, trim=trim, num_threads=1)
        pycolmap.poisson_meshing(points, path, options)
    finally:
        points.unlink(missing_ok=True)
