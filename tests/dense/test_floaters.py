"""Floaters around a surface are removed, and the surface is not: also where it is sparse, and at its rim."""

import numpy as np
import pytest

from dust3r_sfm.dense.floaters import FloaterConfig, remove_floaters
from dust3r_sfm.dense.point_cloud import PointCloud

CENTRES = np.array([[0.0, 0.0, -1.5], [0.5, 0.0, -1.5]])


def cloud_of(xyz: np.ndarray) -> PointCloud:
    rgb = np.zeros((len(xyz), 3), dtype=np.uint8)
    rgb[:, 0] = np.arange(len(xyz)) % 256
    return PointCloud(xyz, rgb, np.full(len(xyz), 2.0), np.tile([0.0, 0.0, 1.0], (len(xyz), 1)))


def surface(rng: np.random.Generator) -> np.ndarray:
    """Two planes, one ten times as dense as the other."""
    near, far = rng.uniform(-1, 1, (4000, 3)), rng.uniform(-4, 4, (4000, 3))
    near[:, 2], far[:, 2] = 0.001 * rng.normal(size=4000), 6.0
    return np.concatenate([near, far])


def test_lonely_points_are_removed_and_surfaces_kept():
    rng = np.random.default_rng(0)
    kept, lonely = surface(rng), rng.uniform([-3, -3, 1.0], [3, 3, 5.0], (150, 3))
    found = remove_floaters(cloud_of(np.concatenate([kept, lonely])), CENTRES)
    on_surface = np.isin(found.xyz[:, 2], kept[:, 2])
    assert on_surface.sum() > 0.99 * len(kept)
    assert (~on_surface).sum() <= 3


def test_small_groups_are_removed_and_things_are_not():
    rng = np.random.default_rng(1)
    kept = surface(rng)
    clump = np.array([0.0, 0.0, 3.0]) + 0.03 * rng.normal(size=(40, 3))
    thing = np.array([2.0, 0.0, 3.0]) + 0.2 * rng.normal(size=(1500, 3))
    found = remove_floaters(cloud_of(np.concatenate([kept, clump, thing])), CENTRES).xyz
    assert (np.linalg.norm(found - [0, 0, 3.0], axis=1) < 0.3).sum() == 0
    assert (np.linalg.norm(found - [2.0, 0, 3.0], axis=1) < 0.4).sum() > 1000


def test_what_belongs_to_points_goes_with_them_in_order():
    rng = np.random.default_rng(2)
    whole = cloud_of(np.concatenate([rng.uniform(5, 9, (20, 3)), surface(rng)]))
    found = remove_floaters(whole, CENTRES)
    assert 0 < len(found) < len(whole)
    rows = [int(np.flatnonzero((whole.xyz == point).all(axis=1))[0]) for point in found.xyz[::400]]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(found.rgb[::400], whole.rgb[rows])
    assert found.normals is not None
    assert len(found.normals) == len(found.confidence) == len(found)


@pytest.mark.parametrize("count", [0, 1, 12, 60])
def test_clouds_of_few_points_stay(count):
    few = cloud_of(np.random.default_rng(3).uniform(size=(count, 3)))
    assert len(remove_floaters(few, CENTRES)) == count


def test_points_in_one_place():
    assert len(remove_floaters(cloud_of(np.zeros((500, 3))), CENTRES, FloaterConfig())) == 500
