"""scene.glb in all its forms, read back by trimesh."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from dust3r_sfm.dense.point_cloud import PointCloud, dense_points
from dust3r_sfm.errors import ReconstructionError
from dust3r_sfm.exporters import export_glb
from dust3r_sfm.exporters.config import GlbChoices
from dust3r_sfm.geometry import invert_rigid


def dome(count: int = 60_000) -> PointCloud:
    """A part of a ball of radius 1 about (0, 0, 4), towards the cameras."""
    normals = np.random.default_rng(0).normal(size=(10 * count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals[normals[:, 2] < -0.7][:count]
    rgb = np.full((len(normals), 3), (200, 30, 30), dtype=np.uint8)
    return PointCloud(normals + [0.0, 0.0, 4.0], rgb, np.full(len(normals), 5.0), normals)


def test_a_surface_in_place_of_the_points(scene, tmp_path):
    export_glb(scene, dome(), tmp_path / "scene.glb", mesh=True)
    loaded = trimesh.load(tmp_path / "scene.glb")
    assert "points" not in loaded.geometry
    surface = loaded.geometry["surface"]
    assert len(surface.faces) > 1000
    # y and z are turned over.
    np.testing.assert_allclose(np.linalg.norm(surface.vertices - [0.0, 0.0, -4.0], axis=1), 1.0, atol=0.05)
    assert surface.visual.vertex_colors[:, 0].mean() > 150
    assert [path.name for path in tmp_path.iterdir()] == ["scene.glb"]


def test_too_few_points_for_a_surface_leave_nothing_behind(scene, tmp_path):
    with pytest.raises(ReconstructionError, match="no mesh: 50 points"):
        export_glb(scene, dome(50), tmp_path / "out" / "scene.glb", mesh=True)
    assert list((tmp_path / "out").iterdir()) == []


def test_cameras_may_be_left_out(scene, tmp_path):
    export_glb(scene, dense_points(scene, 100), tmp_path / "scene.glb", GlbChoices(cameras="none"))
    assert set(trimesh.load(tmp_path / "scene.glb").geometry) == {"points"}


def test_few_points_have_a_coarse_surface(scene, tmp_path):
    export_glb(scene, dome(300), tmp_path / "scene.glb", mesh=True)
    surface = trimesh.load(tmp_path / "scene.glb").geometry["surface"]
    np.testing.assert_allclose(np.linalg.norm(surface.vertices - [0.0, 0.0, -4.0], axis=1), 1.0, atol=0.1)


@pytest.mark.parametrize("size", [0.01, 0.3])
def test_cameras_are_as_large_as_asked(scene, tmp_path, size):
    known = replace(scene, depth=tuple(np.full_like(depth, 2.0) for depth in scene.depth))
    export_glb(known, dense_points(known, 0), tmp_path / "scene.glb", GlbChoices(camera_size=size))
    loaded = trimesh.load(tmp_path / "scene.glb")
    for view, pose in zip(known.views, known.cam_from_world, strict=True):
        centre = invert_rigid(pose)[:3, 3] * [1, -1, -1]
        ahead = (loaded.geometry[view.name].vertices - centre) @ (pose[2, :3] * [1, -1, -1])
        assert ahead.max() == pytest.approx(2.0 * size, rel=0.05)


def test_see_through_cameras_blend(scene, tmp_path):
    export_glb(scene, dense_points(scene, 0), tmp_path / "scene.glb", GlbChoices(cameras="transparent"))
    for frame in trimesh.load(tmp_path / "scene.glb").geometry.values():
        assert frame.visual.material.alphaMode == "BLEND"
        assert 0 < frame.visual.material.baseColorFactor[3] < 128


def test_photos_stand_upright_in_their_frames(scene, tmp_path):
    """The upper left pixel is at the upper left corner of the frame, as its camera sees it."""
    export_glb(scene, dense_points(scene, 0), tmp_path / "scene.glb", GlbChoices(cameras="photos"))
    loaded = trimesh.load(tmp_path / "scene.glb")
    for view, camera, pose in zip(scene.views, scene.cameras, scene.cam_from_world, strict=True):
        photo = loaded.geometry[f"{view.name} (photo)"]
        in_camera = (photo.vertices * [1, -1, -1]) @ pose[:3, :3].T + pose[:3, 3]
        pixels = in_camera[:, :2] / in_camera[:, 2:] * camera.focals + camera.principal_point
        # glTF's v is up in trimesh.
        expected = photo.visual.uv * [1, -1] + [0, 1]
        np.testing.assert_allclose(pixels / view.size, expected, atol=1e-4)
        shown = np.asarray(photo.visual.material.baseColorTexture.convert("RGB")).astype(float)
        assert max(shown.shape) <= 256
        assert np.abs(shown.mean(axis=(0, 1)) - view.image.mean(axis=(0, 1))).max() < 4


def test_a_size_that_is_none_is_refused():
    for size in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="camera_size"):
            GlbChoices(camera_size=size)
