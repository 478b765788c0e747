"""What is read of folders, models and lists, and what is said of those that hold none."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from shown_results import write_result

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.colmap.models import model_of_photos
from dust3r_sfm.geometry.projection import project
from dust3r_sfm.io import load_scene, save_scene
from dust3r_sfm.types import Camera, Reconstruction
from dust3r_sfm.viewer import ViewedScene, ViewerConfig, read_queries, read_viewed, scene_from_reconstruction


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_result(tmp_path_factory.mktemp("read"))


@pytest.fixture(scope="module")
def viewed(out: Path) -> ViewedScene:
    return read_viewed(out)


def test_a_folder_gives_what_its_files_hold(out: Path, viewed: ViewedScene) -> None:
    report = json.loads((out / "report.json").read_text())
    assert [len(component.photos) for component in viewed.components] == [4, 3]
    assert viewed.dropped == {i["name"]: i["reason"] for i in report["images"] if i["scene"] is None}
    hall, scene = viewed.components[0], load_scene(out)
    assert [photo.name for photo in hall.photos] == [view.name for view in scene.views]
    np.testing.assert_array_equal(hall.cam_from_world, scene.cam_from_world)
    assert hall.verdict == f"{scene.report.verdict.value}: {scene.report.verdict_reason}"
    told = {(*p["images"],): p for p in report["pairs"]}
    assert len(hall.pairs) == 12
    for pair in hall.pairs:
        names = hall.photos[pair.photos[0]].name, hall.photos[pair.photos[1]].name
        assert (pair.used, pair.residual_px) == (told[names]["used"], told[names]["median_residual_px"])


def test_errors_of_tracks_are_those_of_the_report(out: Path, viewed: ViewedScene) -> None:
    report = json.loads((out / "report.json").read_text())
    tracks = viewed.components[0].tracks
    assert len(tracks.xyz) == report["scenes"][0]["points"]
    error = report["scenes"][0]["mean_reprojection_error_px"]
    assert tracks.errors_px.mean() == pytest.approx(error, rel=1e-6)


def test_points_are_seen_by_photos_with_that_depth(out: Path, viewed: ViewedScene) -> None:
    scene, points = load_scene(out), viewed.components[0].points
    assert len(points) > 1000
    counts = np.diff(points.seen_from)
    assert (counts >= 2).mean() > 0.9, "what was fused is seen by two or more"
    # A naive twin for some points.
    for row in range(0, len(points), len(points) // 25):
        seen, best = set(), 1.0
        for view in range(len(scene.views)):
            pose = scene.cam_from_world[view]
            in_camera = pose[:3, :3] @ points.xyz[row].astype(float) + pose[:3, 3]
            x, y = np.floor(project(in_camera, scene.cameras[view]))
            if 0 <= x < 96 and 0 <= y < 72:
                depth = scene.depth[view][int(y), int(x)]
                if depth > 0 and abs(depth - in_camera[2]) <= ViewerConfig().agreement * in_camera[2]:
                    seen.add(view)
                    best = max(best, float(scene.confidence[view][int(y), int(x)]))
        assert set(points.seen_by[points.seen_from[row] : points.seen_from[row + 1]].tolist()) == seen
        assert points.confidence[row] == pytest.approx(best, rel=1e-5)


def test_of_many_photos_each_point_is_of_one(out: Path) -> None:
    points = read_viewed(out, config=ViewerConfig(most_checks=10, max_points=2000)).components[0].points
    assert 1900 < len(points) <= 2000
    assert (np.diff(points.seen_from) == 1).all()
    np.testing.assert_allclose(np.bincount(points.seen_by), 500, atol=25)


def test_a_colmap_model_is_seen_as_its_scene(out: Path, viewed: ViewedScene) -> None:
    photos = out.parent / "photos"
    model = read_viewed(out / "sparse" / "0", photos).components[0]
    hall = viewed.components[0]
    assert [photo.name for photo in model.photos] == [photo.name for photo in hall.photos]
    assert [photo.picture for photo in model.photos] == [photos / photo.name for photo in model.photos]
    np.testing.assert_allclose(model.cam_from_world, hall.cam_from_world, atol=1e-9)
    assert model.tracks.errors_px.mean() == pytest.approx(hall.tracks.errors_px.mean(), abs=1e-3)
    assert len(model.points) == len(model.tracks.xyz)
    assert model.points.confidence_is == "photos"
    np.testing.assert_array_equal(np.diff(model.points.seen_from), model.points.confidence)


def test_a_scene_in_memory_is_seen_as_its_file(out: Path, viewed: ViewedScene, tmp_path: Path) -> None:
    scene = load_scene(out)
    save_scene(scene, tmp_path / "alone.npz")
    names = [*(f"attic/{k}.png" for k in range(3)), *(f"hall/{k}.png" for k in range(4)), "nowhere.png"]
    in_memory = scene_from_reconstruction(Reconstruction((scene,), {"a": "b"}), "it", names)
    from_file = read_viewed(tmp_path / "alone.npz")
    assert (in_memory.title, in_memory.dropped) == ("it", {"a": "b"})
    np.testing.assert_array_equal(in_memory.components[0].points.xyz, from_file.components[0].points.xyz)
    assert set(in_memory.components[0].pairs) == set(viewed.components[0].pairs)
    assert from_file.components[0].pairs == (), "a scene file alone does not say which photos were compared"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such folder"),
        (lambda path: path.mkdir(), "holds neither scene.npz nor a COLMAP model"),
        (lambda path: path.write_bytes(b"PK"), "not a scene file, or a damaged one"),
    ],
)
def test_what_holds_no_result_is_refused(
    make: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    make(tmp_path / "result")
    with pytest.raises(InputError, match=message):
        read_viewed(tmp_path / "result")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("report.json", b'{"images": [{"name": 3}]}'),
        ("report.json", b'{"images": 7}'),
        ("report.json", b"[]"),
        ("report.json", b'{"pairs": [{"images": "ab", "median_residual_px": 1, "used": 1}]}'),
        ("points.ply", b"ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\nend_header\n"),
        ("points.ply", b"\x00" * 100),
    ],
)
def test_damaged_files_beside_a_scene_are_named(file: str, content: bytes, out: Path, tmp_path: Path) -> None:
    save_scene(load_scene(out), tmp_path / "scene.npz")
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=file):
        read_viewed(tmp_path)


def test_names_that_lead_out_of_the_photos_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"not for show")
    (tmp_path / "images").mkdir()
    names = ["../secret.png", str(secret), "here.png"]
    (tmp_path / "images" / "here.png").write_bytes(b"")
    poses = [np.eye(4) + np.eye(4, k=3) * k for k in range(3)]
    cameras = [Camera.pinhole(8, 6, 5.0, 5.0, 4.0, 3.0)] * 3
    model = model_of_photos(names, cameras, poses, [np.zeros((0, 2))] * 3)
    (tmp_path / "sparse" / "0").mkdir(parents=True)
    model.write_binary(str(tmp_path / "sparse" / "0"))
    photos = read_viewed(tmp_path, tmp_path / "images").components[0].photos
    assert [photo.picture for photo in photos] == [None, None, tmp_path / "images" / "here.png"]
    with pytest.raises(InputError, match="has none of the photos"):
        read_viewed(tmp_path, tmp_path / "sparse")


def test_queries_are_read_from_either_file(tmp_path: Path) -> None:
    poses, figures = tmp_path / "poses.txt", tmp_path / "all.json"
    poses.write_text("a b.jpg 1 0 0 0 1 2 3\n")
    (query,) = read_queries(poses)
    assert query.name == "a b.jpg"
    assert query.camera is None
    np.testing.assert_array_equal(query.cam_from_world[:3, 3], [1, 2, 3])
    camera = {"model": "PINHOLE", "width": 8, "height": 6, "params": [5, 5, 4, 3]}
    found = {"name": "x", "localized": True, "qvec": [1, 0, 0, 0], "tvec": [0, 0, 1], "camera": camera}
    figures.write_text(
        json.dumps(
            {
                "photos": [
                    {**found, "inliers": 31, "median_error_px": 0.456},
                    {"name": "y", "localized": False, "reason": "too dark"},
                ]
            }
        )
    )
    placed, lost = read_queries(figures)
    assert placed.camera is not None
    assert (placed.camera.fx, placed.about) == (5.0, "31 inliers, 0.46 px")
    assert (lost.cam_from_world, lost.about) == (None, "too dark")
    for bad in ('{"photos": [{}]}', '{"photos": 3}', "{", '{"photos": [{"name": 1, "localized": 1}]}'):
        figures.write_text(bad)
        with pytest.raises(InputError, match=r"all\.json"):
            read_queries(figures)
