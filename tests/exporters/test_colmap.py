"""The exported COLMAP model, read back by pycolmap."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap import colmap_model, export_colmap
from dust3r_sfm.exporters.config import ColmapExport
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.exporters.tracks.track_budget import choose_points
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.types import Camera


@pytest.fixture(scope="module")
def folder(truth, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "sparse" / "0"
    export_colmap(truth.scene, folder)
    return folder


@pytest.fixture(params=["binary", "text"])
def model(request, folder) -> pycolmap.Reconstruction:
    model = pycolmap.Reconstruction()
    getattr(model, f"read_{request.param}")(str(folder))
    return model


def test_cameras_are_those_of_the_stored_files(model, truth):
    # One physical camera took all the landscape files, whichever way they were turned and cropped.
    assert model.num_cameras() == 3
    for index, (view, stored) in enumerate(zip(truth.scene.views, truth.cameras, strict=True)):
        image = model.image(index + 1)
        assert image.name == view.name
        camera = image.camera
        assert camera.model_name == "PINHOLE"
        assert (camera.width, camera.height) == view.original_size
        np.testing.assert_allclose(camera.params, stored.params, atol=1e-9)
        np.testing.assert_allclose(
            image.cam_from_world().matrix(), truth.cam_from_world[index, :3], atol=1e-12
        )


def test_every_observation_is_there_and_reprojects(model, truth, stored_pixels):
    tracks = truth.scene.tracks
    seen = []
    for point_id, point in model.points3D.items():
        assert point.track.length() >= 2
        assert point.error < 1e-6
        np.testing.assert_array_equal(point.color, tracks.color[point_id - 1])
        for element in point.track.elements:
            image = model.image(element.image_id)
            point2d = image.points2D[element.point2D_idx]
            assert point2d.point3D_id == point_id
            assert np.linalg.norm(image.project_point(point.xyz) - point2d.xy) < 1e-6
            seen.append((point_id - 1, element.image_id - 1, *point2d.xy))
    expected = np.column_stack([tracks.point_index, tracks.view_index, stored_pixels])
    np.testing.assert_allclose(sorted(seen), expected, atol=1e-9)


def test_text_and_binary_agree(folder):
    binary, text = pycolmap.Reconstruction(), pycolmap.Reconstruction()
    binary.read_binary(str(folder))
    text.read_text(str(folder))
    for index in binary.images:
        np.testing.assert_array_equal(
            binary.image(index).cam_from_world().matrix(), text.image(index).cam_from_world().matrix()
        )
    assert [p.track.elements for _, p in sorted(binary.points3D.items())] == [
        p.track.elements for _, p in sorted(text.points3D.items())
    ]
    assert {p.name for p in folder.iterdir()} == {
        f"{kind}.{form}"
        for kind in ("cameras", "images", "points3D", "rigs", "frames")
        for form in ("bin", "txt")
    }


def test_images_txt_keeps_two_lines_an_image(folder, truth):
    lines = [line for line in (folder / "images.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 2 * len(truth.scene.views)
    assert [line.split(maxsplit=9)[9] for line in lines[::2]] == [view.name for view in truth.scene.views]
    observations = np.bincount(truth.scene.tracks.view_index, minlength=len(truth.scene.views))
    assert [len(line.split()) // 3 for line in lines[1::2]] == observations.tolist()
    assert lines[-1] == ""


def test_bundle_adjustment_does_not_move_it(model, truth):
    pycolmap.bundle_adjustment(model)
    for index, cam_from_world in enumerate(truth.cam_from_world[:-1]):
        moved = model.image(index + 1).cam_from_world().matrix() - cam_from_world[:3]
        assert np.abs(moved).max() < 1e-6
    assert model.compute_mean_reprojection_error() < 1e-6


def test_same_scene_same_bytes(folder, truth, tmp_path):
    export_colmap(truth.scene, tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


@pytest.mark.parametrize("max_points", [9, 50, 200])
def test_point_budget_leaves_no_image_without_points(truth, max_points):
    model = colmap_model(truth.scene, max_points)
    assert model.num_points3D() == max_points
    for view in range(len(truth.scene.views) - 1):
        assert model.image(view + 1).num_points3D > 0
    assert sum(image.num_points2D() for image in model.images.values()) == sum(
        point.track.length() for point in model.points3D.values()
    )


def test_point_budget_prefers_long_tracks_and_covers_the_images(truth):
    tracks, views = truth.scene.tracks, truth.scene.views
    chosen = choose_points(truth.scene, originals_of(truth.scene).errors_px, 60)
    lengths = np.bincount(tracks.point_index)
    assert lengths[chosen].mean() > lengths.mean()

    def cells(points: np.ndarray) -> int:
        rows = np.isin(tracks.point_index, points)
        sizes = np.array([view.size for view in views])[tracks.view_index[rows]]
        grid = np.floor(tracks.pixels[rows] / sizes * 16).astype(int)
        return len(np.unique(np.column_stack([tracks.view_index[rows], grid]), axis=0))

    longest = np.argsort(-lengths, kind="stable")[:60]
    assert cells(chosen) >= cells(longest)


def test_point_budget_prefers_small_errors_among_equal_tracks(truth):
    scene = truth.scene
    pixels = np.full((12, 2), 20.0)
    pixels[:, 0] += np.repeat(np.arange(6) * 0.01, 2)
    tracks = replace(
        scene.tracks,
        xyz=np.zeros((6, 3)),
        color=np.zeros((6, 3), np.uint8),
        point_index=np.repeat(np.arange(6), 2),
        view_index=np.tile([0, 1], 6),
        pixels=pixels,
    )
    errors = np.repeat([3.0, 1.0, np.inf, 0.5, 2.0, 4.0], 2)
    np.testing.assert_array_equal(choose_points(replace(scene, tracks=tracks), errors, 3), [1, 3, 4])


def test_scene_without_tracks_still_gives_cameras(truth, tmp_path):
    tracks = replace(
        truth.scene.tracks,
        xyz=np.zeros((0, 3)),
        color=np.zeros((0, 3), np.uint8),
        point_index=np.zeros(0, int),
        view_index=np.zeros(0, int),
        pixels=np.zeros((0, 2)),
    )
    export_colmap(replace(truth.scene, tracks=tracks), tmp_path)
    model = pycolmap.Reconstruction(str(tmp_path))
    assert model.num_images() == len(truth.scene.views)
    assert model.num_points3D() == 0


def test_one_form_only(truth, tmp_path):
    export_colmap(truth.scene, tmp_path, ColmapExport(text=False))
    assert {path.suffix for path in tmp_path.iterdir()} == {".bin"}


def test_names_with_blanks_have_no_text_form(truth, tmp_path, caplog):
    # pycolmap would read "my photo.jpg" back as "my", and nerfstudio prefers .txt over .bin.
    views = (replace(truth.scene.views[0], name="my photo.jpg"), *truth.scene.views[1:])
    scene = replace(truth.scene, views=views)
    export_colmap(scene, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".bin"}
    assert pycolmap.Reconstruction(str(tmp_path)).image(1).name == "my photo.jpg"
    assert "'my photo.jpg' has a blank" in caplog.text
    with pytest.raises(InputError, match=r"'my photo\.jpg' has a blank.*Rename"):
        export_colmap(scene, tmp_path, ColmapExport(binary=False))


def test_options_that_would_write_nothing_are_refused():
    with pytest.raises(ValueError, match="leave at least one on"):
        ColmapExport(text=False, binary=False)
    with pytest.raises(ValueError, match="max_points is -1"):
        ColmapExport(max_points=-1)


def test_a_distorting_lens_goes_along(truth, tmp_path):
    """Observations where the lens put them agree with the exported cameras."""
    bent = tuple(
        Camera.radial(c.width, c.height, *c.focals, *c.principal_point, -0.05) for c in truth.scene.cameras
    )
    scene = replace(truth.scene, cameras=bent)
    tracks = scene.tracks
    pixels = tracks.pixels.copy()
    for view, camera in enumerate(scene.cameras):
        rows = tracks.view_index == view
        points = transform_points(scene.cam_from_world[view], tracks.xyz[tracks.point_index[rows]])
        pixels[rows] = project(points, camera)
    export_colmap(replace(scene, tracks=replace(tracks, pixels=pixels)), tmp_path)
    model = pycolmap.Reconstruction(tmp_path)
    assert {camera.model_name for camera in model.cameras.values()} == {"OPENCV"}
    for point in model.points3D.values():
        for element in point.track.elements:
            image = model.images[element.image_id]
            seen = image.points2D[element.point2D_idx].xy
            np.testing.assert_allclose(image.project_point(point.xyz), seen, atol=1e-6)
