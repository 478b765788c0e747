"""The fused cloud: what several views agree on, once."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from plane_world import LANDSCAPE, PLANE_Z, Shot, color_of, plane_scene, write_photos

from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points, neighbour_views
from dust3r_sfm.dense.halving import halve_scene
from dust3r_sfm.dense.normals import depth_normals
from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.exporters.mesh import MeshConfig, export_mesh
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.geometry import apply_affine, project, transform_points
from dust3r_sfm.types import Camera, Tracks

SHOTS = tuple(Shot(f"{index}.png", LANDSCAPE) for index in range(5))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    photos = tmp_path_factory.mktemp("photos")
    write_photos(photos, SHOTS)
    return plane_scene(photos, SHOTS)


def _views_of(scene, points: np.ndarray) -> np.ndarray:
    """How many images each point falls into."""
    counts = np.zeros(len(points), dtype=int)
    for camera, pose in zip(scene.cameras, scene.cam_from_world, strict=True):
        pixels = project(transform_points(pose, points), camera)
        counts += ((pixels > 0) & (pixels < [camera.width, camera.height])).all(axis=1)
    return counts


def test_points_lie_on_the_surface_in_its_colour_and_face_the_views(scene):
    cloud = fuse_points(scene)
    np.testing.assert_allclose(cloud.xyz[:, 2], PLANE_Z, atol=0.01)
    assert np.median(np.abs(cloud.rgb - color_of(cloud.xyz))) < 12.0
    assert cloud.normals is not None
    np.testing.assert_allclose(cloud.normals, np.tile([0.0, 0.0, -1.0], (len(cloud), 1)), atol=1e-3)


@pytest.mark.parametrize("least", [1, 2, 4])
def test_enough_views_see_every_point(scene, least):
    cloud = fuse_points(scene, CloudFusionConfig(min_views=least))
    assert _views_of(scene, cloud.xyz).min() >= least
    everywhere = fuse_points(scene, CloudFusionConfig(min_views=1))
    expected = (_views_of(scene, everywhere.xyz) >= least).sum()
    assert len(cloud) == pytest.approx(expected, rel=0.1)


def test_a_surface_that_all_see_is_there_once(scene):
    """Not five times, once a view."""
    cloud = fuse_points(scene, CloudFusionConfig(min_views=5))
    seen_by_all = _views_of(scene, fuse_points(scene, CloudFusionConfig(min_views=1, neighbours=0)).xyz) == 5
    assert len(cloud) < 1.6 * seen_by_all.sum() / 5
    assert len(cloud) > 0.9 * seen_by_all.sum() / 5


def test_depth_that_no_other_view_confirms_is_left_out(scene):
    """One view says a block floats before the plane; the others look through it."""
    depth = scene.depth[2].copy()
    depth[20:60, 30:80] *= 0.7
    wrong = replace(scene, depth=(*scene.depth[:2], depth, *scene.depth[3:]))
    assert np.abs(fuse_points(wrong).xyz[:, 2] - PLANE_Z).max() < 0.01
    alone = fuse_points(wrong, CloudFusionConfig(min_views=1, neighbours=0))
    assert np.abs(alone.xyz[:, 2] - PLANE_Z).max() > 0.3
    # Even where one view is enough, more of them look through it than see it.
    assert np.abs(fuse_points(wrong, CloudFusionConfig(min_views=1)).xyz[:, 2] - PLANE_Z).max() < 0.01


def test_agreement_averages_noise_away(scene):
    rng = np.random.default_rng(0)
    depth = tuple((d * (1 + 0.003 * rng.standard_normal(d.shape))).astype(np.float32) for d in scene.depth)
    noisy = replace(scene, depth=depth)
    spread = np.std(fuse_points(noisy, CloudFusionConfig(min_views=4)).xyz[:, 2])
    assert spread < 0.7 * np.std(fuse_points(noisy, CloudFusionConfig(min_views=1, neighbours=0)).xyz[:, 2])


def test_never_more_than_the_budget(scene):
    assert len(fuse_points(scene, CloudFusionConfig(max_points=1000))) == 1000
    assert len(fuse_points(scene, CloudFusionConfig(max_points=0))) == 0
    few = fuse_points(scene, CloudFusionConfig(max_points=1000))
    np.testing.assert_array_equal(few.xyz, fuse_points(scene, CloudFusionConfig(max_points=1000)).xyz)
    everything = {tuple(row) for row in fuse_points(scene, CloudFusionConfig(max_points=None)).xyz}
    assert {tuple(row) for row in few.xyz} < everything
    other = fuse_points(scene, CloudFusionConfig(max_points=1000, seed=1))
    assert not np.array_equal(few.xyz, other.xyz)
    with pytest.raises(ValueError, match="min_views is 0"):
        CloudFusionConfig(min_views=0)


def test_of_many_pixels_every_other_one_is_fused(scene):
    """With as many points as asked for, where they are and in their colour."""
    whole = fuse_points(scene)
    few = CloudFusionConfig(most_pixels=1000)
    budget = scene.depth[0].size // 16
    cloud = fuse_points(scene, replace(few, max_points=budget))
    assert len(cloud) == budget
    np.testing.assert_allclose(cloud.xyz[:, 2], PLANE_Z, atol=0.01)
    assert np.median(np.abs(cloud.rgb - color_of(cloud.xyz))) < 12.0
    assert len(fuse_points(scene, replace(few, max_points=10**9))) == len(whole)
    too_many = int(0.5 * len(whole))
    fewer = replace(few, pixels_a_point=1, max_points=too_many)
    assert len(fuse_points(scene, fewer)) == too_many, "more than the half has"
    many = fuse_points(halve_scene(scene), CloudFusionConfig(max_points=None))
    assert len(many) == pytest.approx(len(whole) / 4, rel=0.1)


def test_halved_cameras_see_the_same_things(scene):
    """Pixel (row, column) of the half is pixel (2 row, 2 column) of the whole."""
    points = scene.tracks.xyz[:50]
    half = halve_scene(scene)
    for camera, smaller, depth in zip(scene.cameras, half.cameras, half.depth, strict=True):
        assert depth.shape == (smaller.height, smaller.width)
        whole = project(transform_points(scene.cam_from_world[0], points), camera)
        seen = project(transform_points(scene.cam_from_world[0], points), smaller)
        np.testing.assert_allclose(2.0 * (seen - 0.5), whole - 0.5, atol=1e-9)


def test_halved_tracks_and_files_stay_where_they_were(scene):
    half = halve_scene(scene)
    np.testing.assert_allclose(2.0 * (half.tracks.pixels - 0.5), scene.tracks.pixels - 0.5, atol=1e-4)
    corner = np.array([[7.5, 3.5]])
    for view, smaller in zip(scene.views, half.views, strict=True):
        whole = apply_affine(view.pixel_from_original, corner)
        seen = apply_affine(smaller.pixel_from_original, corner)
        np.testing.assert_allclose(2.0 * (seen - 0.5), whole - 0.5, atol=1e-9)


def test_neighbours_share_most_points_and_then_are_nearest(scene):
    tracks = scene.tracks
    shared = np.zeros((5, 5), dtype=int)
    for point in range(len(tracks.xyz)):
        views = tracks.view_index[tracks.point_index == point]
        shared[np.ix_(views, views)] += 1
    for view, neighbours in enumerate(neighbour_views(scene, 3)):
        counts = shared[view, neighbours]
        assert view not in neighbours
        assert (np.diff(counts) <= 0).all()
        assert counts[-1] >= max(np.delete(shared[view], [view, *neighbours]))


def test_normals_of_a_slope_and_at_a_step():
    camera = Camera.pinhole(40, 30, 50.0, 50.0, 20.0, 15.0)
    depth = np.full((30, 40), 2.0)
    depth[:, 20:] = 3.0
    depth[5, 5] = 0.0
    normals = depth_normals(depth, camera)
    expected = np.tile([0.0, 0.0, -1.0], (30, 40, 1))
    expected[5, 5] = 0.0
    np.testing.assert_allclose(normals, expected, atol=1e-12)
    # The plane x + z = 2: z = 2 / (1 + x/z).
    rays = (np.arange(40) + 0.5 - 20.0) / 50.0
    slope = np.tile(2.0 / (1.0 + rays), (30, 1))
    tilted = np.array([-1.0, 0.0, -1.0]) / np.sqrt(2.0)
    np.testing.assert_allclose(depth_normals(slope, camera), np.tile(tilted, (30, 40, 1)), atol=1e-9)


def test_ply_has_the_normals(scene, tmp_path):
    cloud = fuse_points(scene, CloudFusionConfig(max_points=500))
    export_point_cloud(cloud, tmp_path / "points.ply")
    data = trimesh.load(tmp_path / "points.ply").metadata["_ply_raw"]["vertex"]["data"]
    read = np.column_stack([data["nx"], data["ny"], data["nz"]])
    np.testing.assert_allclose(read, cloud.normals, atol=1e-6)
    np.testing.assert_allclose(np.column_stack([data["x"], data["y"], data["z"]]), cloud.xyz, atol=1e-5)
    np.testing.assert_array_equal(np.column_stack([data["red"], data["green"], data["blue"]]), cloud.rgb)


def test_a_mesh_goes_through_the_points(scene, tmp_path):
    export_mesh(fuse_points(scene), tmp_path / "mesh.ply", MeshConfig(depth=6))
    mesh = trimesh.load(tmp_path / "mesh.ply")
    assert len(mesh.faces) > 100
    assert np.median(np.abs(mesh.vertices[:, 2] - PLANE_Z)) < 0.01
    nothing = PointCloud(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), np.zeros(0), np.zeros((0, 3)))
    with pytest.raises(ReconstructionError, match="no mesh: 0 points"):
        export_mesh(nothing, tmp_path / "none.ply")


def test_what_is_drawn_on_the_way_is_as_if_all_were_drawn_at_the_end(scene):
    """Points come from every view in proportion, whether or not they were drawn from several times."""
    config = CloudFusionConfig(min_views=1, neighbours=0, max_points=None)
    counts = [len(fuse_points(_first(scene, k), config)) for k in range(1, 6)]
    budget = counts[0] // 3  # Drawn again after each of the views.
    few = fuse_points(scene, replace(config, max_points=budget))
    everything = fuse_points(scene, config)
    row_of = {tuple(row): index for index, row in enumerate(everything.xyz)}
    rows = np.array([row_of[tuple(row)] for row in few.xyz])
    assert len(rows) == budget
    assert (np.diff(rows) > 0).all()
    shares = np.histogram(rows, [0, *counts])[0] / budget
    np.testing.assert_allclose(shares, np.diff([0, *counts]) / counts[-1], atol=4 * (0.16 / budget) ** 0.5)


def _first(scene, count: int):
    part = slice(0, count)
    return replace(
        scene,
        views=scene.views[part],
        cameras=scene.cameras[part],
        cam_from_world=scene.cam_from_world[part],
        depth=scene.depth[part],
        confidence=scene.confidence[part],
        tracks=Tracks(
            xyz=np.zeros((0, 3)),
            color=np.zeros((0, 3), np.uint8),
            point_index=np.zeros(0, int),
            view_index=np.zeros(0, int),
            pixels=np.zeros((0, 2)),
        ),
    )
