"""Folders for trainers: images on disk, transforms.json and sparse/0 show one and the same world."""

import json
import quopri
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import trimesh
from PIL import Image
from plane_world import (
    LANDSCAPE,
    MIXED,
    PLANE_Z,
    Shot,
    color_of,
    plane_scene,
    shift_px,
    with_lens,
    write_photos,
)
from trainer_readers import nerfstudio_folder, splat_folder, text_model

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap_dataset import export_colmap_dataset
from dust3r_sfm.exporters.config import ColmapDataset, ColmapExport, ImageForm, NerfstudioExport
from dust3r_sfm.exporters.nerfstudio import export_nerfstudio
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.progress import Silent
from dust3r_sfm.types import Camera

LENSES = {"pinhole": MIXED, "barrel": with_lens(MIXED, -0.12, 4.0), "pincushion": with_lens(MIXED, 0.1)}


@pytest.fixture(scope="module", params=LENSES)
def shots(request) -> tuple[Shot, ...]:
    return LENSES[request.param]


@pytest.fixture(scope="module")
def scene(shots, tmp_path_factory):
    photos = tmp_path_factory.mktemp("photos")
    write_photos(photos, shots)
    return plane_scene(photos, shots)


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(scope="module")
def dataset(scene, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "colmap"
    export_colmap_dataset(scene, folder, ColmapDataset(), Silent())
    return folder


@pytest.fixture(scope="module")
def nerfstudio(scene, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "nerfstudio"
    export_nerfstudio(scene, folder, NerfstudioExport(), Silent())
    return folder


def test_splat_trainers_see_what_is_there(dataset, shots):
    found = splat_folder(dataset)
    assert len(found) == len(shots)
    for image in found:
        camera = Camera.pinhole(
            image.width, image.height, image.fx, image.fy, image.width / 2, image.height / 2
        )
        assert shift_px(_picture(image.path), camera, image.cam_from_world) < 0.1


def test_points_reproject_onto_their_colour(dataset):
    model = pycolmap.Reconstruction(dataset / "sparse" / "0")
    assert model.num_points3D() > 100
    assert model.compute_mean_reprojection_error() < 1e-3
    for point in model.points3D.values():
        assert point.xyz[2] == pytest.approx(PLANE_Z)
        for element in point.track.elements:
            image = model.image(element.image_id)
            xy = image.points2D[element.point2D_idx].xy
            assert (xy >= 0).all()
            assert (xy <= [image.camera.width, image.camera.height]).all()
            assert np.linalg.norm(image.project_point(point.xyz) - xy) < 1e-3


def test_bundle_adjustment_leaves_it(dataset):
    model = pycolmap.Reconstruction(dataset / "sparse" / "0")
    before = {number: image.cam_from_world().matrix() for number, image in model.images.items()}
    pycolmap.bundle_adjustment(model)
    assert max(np.abs(model.image(n).cam_from_world().matrix() - m).max() for n, m in before.items()) < 1e-3


def test_names_lead_back_to_the_photos(dataset, shots):
    back = json.loads((dataset / "names.json").read_text())
    assert sorted(back) == sorted(path.name for path in (dataset / "images").iterdir())
    assert sorted(back.values()) == sorted(shot.name for shot in shots)
    for flat, name in back.items():
        assert quopri.decodestring(Path(flat).stem).decode() == str(Path(name).with_suffix(""))


def test_transforms_json_agrees_with_the_model_and_the_images(nerfstudio, shots):
    frames, applied = nerfstudio_folder(nerfstudio)
    assert len(frames) == len(shots)
    turn = np.vstack([applied, [0, 0, 0, 1]])
    for place in ("sparse/0", "colmap/sparse/0"):
        cameras, images, _ = text_model(nerfstudio / place)
        for frame in frames:
            camera_id, cam_from_world, _ = images[frame.image.name]
            np.testing.assert_allclose(frame.world_from_cam, turn @ invert_rigid(cam_from_world), atol=1e-6)
            c = frame.camera
            model, width, height, params = cameras[camera_id]
            assert (model, width, height) == ("PINHOLE", c["w"], c["h"])
            np.testing.assert_allclose(params, [c["fl_x"], c["fl_y"], c["cx"], c["cy"]], atol=1e-6)
    for frame in frames:
        assert shift_px(_picture(frame.image), _camera(frame), _cam_from_plane_world(frame, turn)) < 0.1


def _camera(frame, factor: int = 1) -> Camera:
    """As nerfstudio scales it: all numbers divided, sizes rounded down."""
    c = frame.camera
    numbers = (c[key] / factor for key in ("fl_x", "fl_y", "cx", "cy"))
    return Camera.radial(int(c["w"] // factor), int(c["h"] // factor), *numbers, c["k1"])


def _cam_from_plane_world(frame, turn) -> np.ndarray:
    return invert_rigid(frame.world_from_cam) @ turn


@pytest.mark.parametrize("factor", [2, 4])
def test_smaller_images_agree_with_divided_intrinsics(nerfstudio, factor):
    frames, applied = nerfstudio_folder(nerfstudio, factor)
    turn = np.vstack([applied, [0, 0, 0, 1]])
    for frame in frames:
        camera = _camera(frame, factor)
        assert shift_px(_picture(frame.image), camera, _cam_from_plane_world(frame, turn)) < 0.1
    assert (nerfstudio / "images_8").is_dir()
    assert not (nerfstudio / "images_16").exists()


def test_depth_files_hold_the_plane_in_thousandths(nerfstudio):
    frames, applied = nerfstudio_folder(nerfstudio)
    assert nerfstudio_folder(nerfstudio, 8)
    for frame in frames:
        camera, depth = _camera(frame), np.load(frame.depth)
        # Its readers enlarge depth to the image by nearest neighbours.
        rows = (np.arange(camera.height) * depth.shape[0]) // camera.height
        columns = (np.arange(camera.width) * depth.shape[1]) // camera.width
        z = depth[rows][:, columns] * 1e-3
        known = z > 0
        assert known.mean() > 0.8
        y, x = np.nonzero(known)
        rays = np.column_stack([(x + 0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy])
        in_camera = np.column_stack([rays, np.ones(len(x))]) * z[known][:, None]
        in_world = transform_points(frame.world_from_cam, in_camera) @ applied[:, :3]
        assert np.abs(in_world[:, 2] - PLANE_Z).max() < 0.02 * z.max()
        assert np.abs(in_world[:, 2] - PLANE_Z).mean() < 0.003


def test_the_ply_is_the_model_in_the_turned_world(nerfstudio):
    cloud = trimesh.load(nerfstudio / "sparse_pc.ply")
    _, applied = nerfstudio_folder(nerfstudio)
    _, _, points = text_model(nerfstudio / "sparse" / "0")
    expected = np.array([xyz for _, (xyz, _) in sorted(points.items())]) @ applied[:, :3].T
    np.testing.assert_allclose(cloud.vertices, expected, atol=1e-5)
    np.testing.assert_allclose(
        np.asarray(cloud.colors)[:, :3], color_of(cloud.vertices @ applied[:, :3]), atol=1
    )


def test_a_lens_may_stay(scene, tmp_path):
    config = NerfstudioExport(ImageForm(undistorted=False), downscales=0)
    export_nerfstudio(scene, tmp_path, config, Silent())
    frames, applied = nerfstudio_folder(tmp_path)
    turn = np.vstack([applied, [0, 0, 0, 1]])
    for frame in frames:
        assert shift_px(_picture(frame.image), _camera(frame), _cam_from_plane_world(frame, turn)) < 0.1
    model = pycolmap.Reconstruction(tmp_path / "sparse" / "0")
    assert model.compute_mean_reprojection_error() < 1e-3
    bent = not all(camera.is_pinhole for camera in scene.cameras)
    assert {c.model_name for c in model.cameras.values()} == {"OPENCV" if bent else "PINHOLE"}


def test_a_chosen_resolution(scene, tmp_path):
    config = ColmapDataset(ImageForm(long_edge=100), model=ColmapExport(max_points=50))
    export_colmap_dataset(scene, tmp_path, config, Silent())
    for image in splat_folder(tmp_path):
        assert max(image.width, image.height) == 100
        camera = Camera.pinhole(
            image.width, image.height, image.fx, image.fy, image.width / 2, image.height / 2
        )
        assert shift_px(_picture(image.path), camera, image.cam_from_world) < 0.1


@pytest.fixture
def plain(tmp_path):
    shots = (Shot("a.png", LANDSCAPE), Shot("b.jpg", LANDSCAPE), Shot("c.jpg", LANDSCAPE, 6))
    write_photos(tmp_path / "photos", shots)
    return plane_scene(tmp_path / "photos", shots)


@pytest.mark.parametrize("transfer", ["copy", "link"])
def test_photos_that_need_no_change_are_taken_as_they_are(plain, tmp_path, transfer):
    export_colmap_dataset(plain, tmp_path / "out", ColmapDataset(transfer=transfer), Silent())
    for view, same in zip(plain.views, (True, True, False), strict=True):
        written = tmp_path / "out" / "images" / view.name
        assert (written.read_bytes() == view.path.read_bytes()) == same
        assert written.samefile(view.path) == (same and transfer == "link")


def test_grey_photos_become_rgb(plain, tmp_path):
    path = plain.views[0].path
    Image.fromarray(_picture(path)).convert("L").save(path)
    # As if it had been grey when the scene was made.
    views = (replace(plain.views[0], content=None), *plain.views[1:])
    export_colmap_dataset(replace(plain, views=views), tmp_path / "out", ColmapDataset(), Silent())
    assert len(splat_folder(tmp_path / "out")) == 3


def test_a_photo_that_is_gone_or_another_one_now(plain, tmp_path):
    path = plain.views[0].path
    Image.fromarray(_picture(path)).resize((100, 80)).save(path)
    with pytest.raises(InputError, match=r"a\.png: has 100x80 pixels, and the photo .* had 320x240"):
        export_colmap_dataset(plain, tmp_path / "one", ColmapDataset(), Silent())
    path.unlink()
    with pytest.raises(InputError, match=r"a\.png: there is no such file; name the folder .*--photos"):
        export_colmap_dataset(plain, tmp_path / "two", ColmapDataset(), Silent())
    in_memory = replace(plain, views=tuple(replace(view, path=None) for view in plain.views))
    with pytest.raises(InputError, match="was not read from a file"):
        export_colmap_dataset(in_memory, tmp_path / "three", ColmapDataset(), Silent())
