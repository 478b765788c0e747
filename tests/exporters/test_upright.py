"""What is looked at stands upright; COLMAP's model stays as it is."""

import json
from dataclasses import replace

import numpy as np
import pycolmap
import pytest
import trimesh
from plane_world import MIXED, plane_scene, write_photos

from dust3r_sfm.dense.point_cloud import dense_points
from dust3r_sfm.exporters import NerfstudioExport, export_colmap, export_glb, export_nerfstudio
from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.report import RunFacts, report_json
from dust3r_sfm.exporters.report_page import draw_scene
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.types import Reconstruction, Scene, UpAxis, UpSource

UPS = [(0.0, -1.0, 0.0), (0.6, -0.8, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0)]


def standing(scene: Scene, up: tuple[float, float, float] | None) -> Scene:
    axis = UpAxis(up, None if up is None else UpSource.CAMERAS, 1.5, "held level")
    return replace(scene, report=replace(scene.report, up=axis))


def heights(scene: Scene, up: tuple[float, float, float], points: np.ndarray) -> np.ndarray:
    """Of the points above the first camera, in the world."""
    first = invert_rigid(scene.cam_from_world)[0, :3, 3]
    return (points - first) @ np.array(up)


@pytest.mark.parametrize("up", UPS)
def test_glb_has_y_up(scene, tmp_path, up):
    scene = standing(scene, up)
    cloud = dense_points(scene, 300)
    export_glb(scene, cloud, tmp_path / "scene.glb")
    loaded = trimesh.load(tmp_path / "scene.glb")
    y = loaded.geometry["points"].vertices[:, 1]
    known = heights(scene, up, cloud.xyz)
    np.testing.assert_allclose(y - y[0], known - known[0], atol=1e-5)
    np.testing.assert_allclose(shape(loaded.geometry["points"].vertices), shape(cloud.xyz), atol=1e-4)


def shape(points: np.ndarray) -> np.ndarray:
    """Two distances and a signed volume: no turn changes them, and every mirror does."""
    a, b, c, d = points[:4]
    volume = np.linalg.det(np.stack([b - a, c - a, d - a]))
    return np.array([np.linalg.norm(a - b), np.linalg.norm(c - d), volume])


@pytest.mark.parametrize("up", UPS)
def test_nerfstudio_has_z_up(tmp_path, up):
    write_photos(tmp_path / "photos", MIXED[:2])
    scene = standing(plane_scene(tmp_path / "photos", MIXED[:2]), up)
    export_nerfstudio(scene, tmp_path / "out", NerfstudioExport(downscales=0, depth=False))
    meta = json.loads((tmp_path / "out" / "transforms.json").read_text())
    applied = np.vstack([meta["applied_transform"], [0, 0, 0, 1]])
    np.testing.assert_allclose(applied[:3, :3] @ up, [0, 0, 1], atol=1e-12)
    assert np.linalg.det(applied) == pytest.approx(1.0)
    centres = np.array([frame["transform_matrix"] for frame in meta["frames"]])[:, :3, 3]
    known = heights(scene, up, invert_rigid(scene.cam_from_world)[:, :3, 3])
    np.testing.assert_allclose(centres[:, 2] - centres[0, 2], known, atol=1e-9)
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    points = np.array([point.xyz for _, point in sorted(model.points3D.items())])
    written = trimesh.load(tmp_path / "out" / "sparse_pc.ply").vertices
    np.testing.assert_allclose(written, transform_points(applied, points), atol=1e-5)


@pytest.mark.parametrize("up", UPS)
def test_the_page_has_y_up(scene, up):
    scene = standing(scene, up)
    cloud = dense_points(scene, 300)
    drawn = draw_scene(scene, cloud, 300, ReportPageConfig())
    y = drawn.points[:, 1] / 65535.0
    known = heights(scene, up, cloud.xyz)
    if np.ptp(known) > 1e-6:
        assert np.corrcoef(y, known)[0, 1] > 0.999


def test_colmaps_model_is_the_same_bytes(scene, tmp_path):
    for name, up in (("as_it_is", None), ("turned", (0.6, -0.8, 0.0))):
        export_colmap(standing(scene, up), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "as_it_is").iterdir())
    assert files
    for file in files:
        assert (tmp_path / "as_it_is" / file).read_bytes() == (tmp_path / "turned" / file).read_bytes()


def test_the_report_says_which_way_is_up_and_why(scene):
    facts = RunFacts([view.name for view in scene.views])
    told, untold = (
        report_json(Reconstruction((standing(scene, up),), {}), facts)["scenes"][0]["up"]
        for up in ((0.6, -0.8, 0.0), None)
    )
    assert told == {
        "direction": [0.6, -0.8, 0.0],
        "source": "cameras",
        "std_deg": 1.5,
        "reason": "held level",
    }
    assert (untold["direction"], untold["source"]) == (None, None)
