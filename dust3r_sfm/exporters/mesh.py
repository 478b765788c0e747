"""A surface through the dense cloud."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float
from scipy.spatial import cKDTree

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.exporters.point_cloud import export_point_cloud

_BOUNDING_CUBE = 1.1
"""Side of PoissonRecon's cube over the cloud's largest extent: the program's default scale."""
_HEADER_END = b"end_header\n"
_VERTEX_BYTES, _FACE_BYTES = 19, 16
"""Of PoissonRecon's PLY: four floats and a colour; a count and three indices of four bytes each."""


@dataclass(frozen=True)
class MeshConfig:
    """How fine a mesh is, and where there is one."""

    depth: int = 10
    """Of the octree, at most: its finest cells are 1 / 2^depth of the whole."""
    min_cell: float = 1.7
    """Its finest cells, at least so many times the median distance of a point to the next one: with 1.4, a
    twentieth of an evenly sampled sphere is trimmed as unsupported, and all of it with 1.1."""
    sparser_levels: int = 1
    """Surface is kept where points are at most this many levels of the octree sparser than its finest cells;
    more of it would be guessed."""
    min_points: int = 100
    """Points with a normal that a surface is laid through."""


def export_mesh(cloud: PointCloud, path: Path, config: MeshConfig | None = None) -> None:
    """Writes a coloured triangle mesh as PLY by screened Poisson reconstruction (Kazhdan and Hoppe 2013;
    pycolmap's), without the parts that no points support.

    The cloud needs normals; points without one are left out. Raises ReconstructionError for too few, or where
    nothing is left of the surface, and OSError where there is no room for it.
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
        depth = octree_depth(cloud.xyz, config)
        # Its threads spin while they wait for one another: two take longer than one.
        options = pycolmap.PoissonMeshingOptions(
            depth=depth, trim=depth - config.sparser_levels, num_threads=1
        )
        pycolmap.poisson_meshing(points, path, options)
    finally:
        points.unlink(missing_ok=True)
    if _whole_faces(path) == 0:
        raise ReconstructionError(
            f"no mesh: nowhere do the {len(cloud)} points lie close enough for a surface; raise --max-points"
        )


def octree_depth(xyz: Float[np.ndarray, "n 3"], config: MeshConfig) -> int:
    """So that the finest cells are not smaller than the points allow."""
    distances, _ = cKDTree(xyz).query(xyz[:: max(1, len(xyz) // 10_000)], k=2)
    spacing = float(np.median(distances[:, 1]))
    if spacing == 0.0:
        return config.depth
    cells = _BOUNDING_CUBE * float(np.ptp(xyz, axis=0).max()) / (config.min_cell * spacing)
    return int(np.clip(np.floor(np.log2(cells)), config.sparser_levels + 1, config.depth))


def _whole_faces(path: Path) -> int:
    """How many the PLY has. Raises OSError where it is cut short: PoissonRecon logs a full disk, and pycolmap
    goes on."""
    with path.open("rb") as file:
        head = file.read(1024)
    lines = [line.split() for line in head.partition(_HEADER_END)[0].splitlines()]
    counts = {line[1]: int(line[2]) for line in lines if line[:1] == [b"element"]}
    vertices, faces = counts.get(b"vertex", 0), counts.get(b"face", 0)
    whole = head.find(_HEADER_END) + len(_HEADER_END) + _VERTEX_BYTES * vertices + _FACE_BYTES * faces
    if _HEADER_END not in head or path.stat().st_size != whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return faces
