"""The dense cloud, and PLY and GLB read back by trimesh."""

from dataclasses import replace

import numpy as np
import trimesh

from dust3r_sfm.dense.point_cloud import dense_points
from dust3r_sfm.exporters.glb import export_glb
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.geometry import invert_rigid


def test_every_pixel_lands_on_the_surface_it_shows(scene):
    cloud = dense_points(scene, max_points=10**9, min_confidence=1.0)
    assert len(cloud) == sum(depth.size for depth in scene.depth)
    np.testing.assert_allclose(cloud.xyz[:, 2], 1.0, atol=1e-9)
    np.testing.assert_array_equal(
        cloud.rgb, np.concatenate([view.image.reshape(-1, 3) for view in scene.views])
    )


def test_unknown_masked_and_unsure_pixels_are_left_out(scene):
    depth = [np.zeros_like(d) for d in scene.depth]
    depth[0][:] = 2.0
    depth[0][0, :5] = [0.0, np.nan, np.inf, -1.0, 3.0]
    confidence = [np.full_like(d, 2.0) for d in depth]
    confidence[0][1:] = 1.2
    mask = np.ones(depth[0].shape, dtype=bool)
    mask[0, 10:] = False
    views = (replace(scene.views[0], mask=mask), *scene.views[1:])
    cloud = dense_points(
        replace(scene, views=views, depth=tuple(depth), confidence=tuple(confidence)), min_confidence=2.0
    )
    np.testing.assert_array_equal(cloud.rgb, scene.views[0].image[0, 4:10])
    assert (cloud.confidence == 2.0).all()


def test_budget_is_met_in_proportion_and_repeatable(scene):
    everything = dense_points(scene, 10**9, 2.5)
    cloud = dense_points(scene, 1000, 2.5, seed=3)
    assert len(cloud) == 1000
    assert cloud.confidence.min() >= 2.5
    again, other = dense_points(scene, 1000, 2.5, seed=3), dense_points(scene, 1000, 2.5, seed=4)
    np.testing.assert_array_equal(cloud.xyz, again.xyz)
    assert not np.array_equal(cloud.xyz, other.xyz)
    # Views come one after another, so the first view's share can be counted by membership.
    first = {tuple(p) for p in dense_points(replace_views(scene, 1), 10**9, 2.5).xyz}
    share = sum(tuple(p) in first for p in cloud.xyz)
    assert abs(share - 1000 * len(first) / len(everything)) <= 1


def replace_views(scene, count):
    return replace(
        scene,
        views=scene.views[:count],
        cameras=scene.cameras[:count],
        cam_from_world=scene.cam_from_world[:count],
        depth=scene.depth[:count],
        confidence=scene.confidence[:count],
    )


def test_ply_keeps_points_and_colours(scene, tmp_path):
    cloud = dense_points(scene, 500)
    path = tmp_path / "points.ply"
    export_point_cloud(cloud, path)
    assert path.read_bytes().startswith(b"ply\nformat binary_little_endian")
    loaded = trimesh.load(path)
    np.testing.assert_allclose(loaded.vertices, cloud.xyz, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(loaded.colors)[:, :3], cloud.rgb)


def test_empty_cloud_is_still_a_ply(scene, tmp_path):
    export_point_cloud(dense_points(scene, 0), tmp_path / "points.ply")
    assert b"element vertex 0" in (tmp_path / "points.ply").read_bytes()


def test_glb_has_points_and_a_frustum_a_view_with_y_up(scene, tmp_path):
    cloud = dense_points(scene, 500)
    export_glb(scene, cloud, tmp_path / "scene.glb")
    loaded = trimesh.load(tmp_path / "scene.glb")
    points = loaded.geometry["points"]
    np.testing.assert_allclose(points.vertices, cloud.xyz * [1, -1, -1], atol=1e-5)
    np.testing.assert_array_equal(np.asarray(points.colors)[:, :3], cloud.rgb)
    frusta = {name: mesh for name, mesh in loaded.geometry.items() if name != "points"}
    assert set(frusta) == {view.name for view in scene.views}
    for view, cam_from_world in zip(scene.views, scene.cam_from_world, strict=True):
        centre = invert_rigid(cam_from_world)[:3, 3] * [1, -1, -1]
        assert np.linalg.norm(frusta[view.name].vertices - centre, axis=1).min() < 0.01


def test_glb_without_any_point(scene, tmp_path):
    export_glb(scene, dense_points(scene, 0), tmp_path / "scene.glb")
    assert len(trimesh.load(tmp_path / "scene.glb").geometry) == len(scene.views)
