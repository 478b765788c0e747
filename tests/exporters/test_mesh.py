"""Meshes of clouds whose surface is known, dense and thin."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.exporters.mesh import MeshConfig, export_mesh, octree_depth


def sphere(count: int) -> PointCloud:
    """Of radius 1, with points at random places."""
    normals = np.random.default_rng(0).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return PointCloud(normals, np.full((count, 3), 128, np.uint8), np.ones(count), normals)


@pytest.mark.parametrize("count", [500, 5_000, 50_000])
def test_a_sphere_is_whole_however_many_points_it_has(tmp_path: Path, count: int) -> None:
    cloud = sphere(count)
    export_mesh(cloud, tmp_path / "mesh.ply")
    mesh = trimesh.load(tmp_path / "mesh.ply", process=False)
    half_a_cell = 1.1 / 2 ** octree_depth(cloud.xyz, MeshConfig())
    assert mesh.area == pytest.approx(4 * np.pi, rel=0.02)
    off = np.abs(np.linalg.norm(mesh.vertices, axis=1) - 1.0)
    # At the rims of the holes of 500 random points it is a guess.
    assert np.quantile(off, 0.95) < 0.5 * half_a_cell


def test_cells_are_as_fine_as_points_allow_and_no_finer_than_asked() -> None:
    grid = np.stack(np.meshgrid(np.arange(100.0), np.arange(100.0), [0.0]), axis=-1).reshape(-1, 3)
    # Cells of 1.7 spacings, in a cube of 1.1 times 99: 64.1 of them.
    assert octree_depth(grid, MeshConfig()) == 6
    assert octree_depth(grid, MeshConfig(min_cell=0.8)) == 7
    assert octree_depth(grid, MeshConfig(depth=5)) == 5
    assert octree_depth(np.zeros((100, 3)), MeshConfig()) == 10
