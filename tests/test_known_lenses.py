"""Photos through known lenses, from the file to every export: rendered, so that all is known exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from dust3r_sfm.cli import main
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.geometry import invert_rigid, original_pixels, pixel_grid, rotation_angle_deg
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.geometry.rectification import file_pixels
from dust3r_sfm.geometry.resampling import sample_bilinear
from dust3r_sfm.io.scene_file import load_scene, save_scene
from dust3r_sfm.synthetic.cameras import arc_cameras
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import Camera, Rigid, Scene

OPENCV = Camera("OPENCV", 640, 480, (400.0, 405.0, 322.0, 238.0, -0.25, 0.06, 1e-3, -1e-3))
FISHEYE = Camera("OPENCV_FISHEYE", 640, 480, (367.0, 367.0, 322.0, 238.0, 0.02, -0.01, 1e-3, 0.0))
PRISM = Camera(
    *("THIN_PRISM_FISHEYE", 640, 480),
    (367.0, 367.0, 322.0, 238.0, 0.02, -0.01, 1e-3, 2e-3, 1e-3, 0.0, 1e-3, 2e-3),
)


@dataclass(frozen=True)
class Through:
    """A room through one lens, and what came of it."""

    camera: Camera
    folder: Path
    poses: np.ndarray
    depths: tuple[np.ndarray, ...]

    @property
    def scene(self) -> Scene:
        return load_scene(self.folder / "out")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(FISHEYE, id="fisheye"),
        pytest.param(OPENCV, id="opencv", marks=pytest.mark.slow),
        pytest.param(PRISM, id="prism", marks=pytest.mark.slow),
    ],
)
def through(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Through:
    camera, folder = request.param, tmp_path_factory.mktemp("lens")
    scene = room_scene(0)
    rig = arc_cameras(scene, 4, camera.width, camera.height, focal_px=400.0, seed=0)
    photos = [render(scene, camera, pose) for pose in rig.cam_from_world]
    (folder / "photos").mkdir()
    params = " ".join(map(repr, camera.params))
    lines = []
    for index, photo in enumerate(photos):
        Image.fromarray(photo.image).save(folder / "photos" / f"{index}.png")
        lines.append(f"{index}.png {camera.model} {camera.width} {camera.height} {params}\n")
    (folder / "cameras.txt").write_text("".join(lines))
    words = ["reconstruct", str(folder / "photos"), str(folder / "out"), "--quiet"]
    known = ["--known-cameras", str(folder / "cameras.txt"), "--regressor", "stereo", "--features", "sift"]
    assert main([*words, *known]) == 0
    return Through(camera, folder, rig.cam_from_world, tuple(photo.depth for photo in photos))


def relative(poses: np.ndarray, i: int, j: int) -> Rigid:
    return poses[j] @ invert_rigid(poses[i])


def test_poses_are_true_and_the_model_has_the_lens(through: Through) -> None:
    scene = through.scene
    assert [view.name for view in scene.views] == [f"{index}.png" for index in range(4)]
    for i in range(4):
        for j in range(i):
            found, true = relative(scene.cam_from_world, i, j), relative(through.poses, i, j)
            assert rotation_angle_deg(found[:3, :3] @ true[:3, :3].T) < 0.05
    assert originals_of(scene).errors_px.mean() < 0.3
    model = pycolmap.Reconstruction(through.folder / "out" / "sparse" / "0")
    (camera,) = model.cameras.values()
    assert camera.model_name == through.camera.model
    assert tuple(camera.params) == through.camera.params
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 0.3


def test_depth_is_true_where_the_photo_is_bent_too(through: Through) -> None:
    scene = through.scene
    similarity = umeyama(
        invert_rigid(scene.cam_from_world)[:, :3, 3], invert_rigid(through.poses)[:, :3, 3], np.ones(4)
    )
    scale, errors, outer = np.cbrt(np.linalg.det(similarity[:3, :3])), [], []
    for view, depth, true in zip(scene.views, scene.depth, through.depths, strict=True):
        assert view.rectification is not None
        pixels = original_pixels(view, pixel_grid(*depth.shape))
        stored = file_pixels(view.rectification, pixels).reshape(-1, 2)
        size = np.array([through.camera.width, through.camera.height])
        known = ((stored > 1) & (stored < size - 1)).all(axis=1) & (depth.ravel() > 0)
        error = np.abs(scale * depth.ravel()[known] / sample_bilinear(true, stored[known]) - 1)
        errors.append(error)
        outer.append(error[(np.abs(stored[known] / size - 0.5) > 0.4).any(axis=1)])
    assert np.median(np.concatenate(errors)) < 0.003
    assert np.median(np.concatenate(outer)) < 0.006
    assert len(np.concatenate(outer)) > 10_000


def test_written_images_are_the_pinholes_of_their_model(through: Through, tmp_path: Path) -> None:
    """Where the model says a point is seen, the undistorted image shows what the photo shows there."""
    words = ["export", str(through.folder / "out"), "--format", "colmap", "--quiet"]
    assert main([*words, "--output", str(tmp_path / "dataset")]) == 0
    model = pycolmap.Reconstruction(tmp_path / "dataset" / "sparse" / "0")
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() < 0.4
    (camera,) = model.cameras.values()
    assert camera.model_name == "PINHOLE"
    assert camera.params[2:].tolist() == [camera.width / 2, camera.height / 2]
    stored = pycolmap.Reconstruction(through.folder / "out" / "sparse" / "0")
    apart, points = [], {tuple(point.xyz.round(9)): point for point in stored.points3D.values()}
    for image in model.images.values():
        file = next(each for each in stored.images.values() if each.name == image.name)
        photo = np.asarray(Image.open(through.folder / "photos" / image.name).convert("L"), dtype=np.float64)
        written = np.asarray(
            Image.open(tmp_path / "dataset" / "images" / image.name).convert("L"), dtype=np.float64
        )
        assert written.shape == (camera.height, camera.width)
        for point in model.points3D.values():
            if tuple(point.xyz.round(9)) in points and file.project_point(point.xyz) is not None:
                seen = np.array([image.project_point(point.xyz)])
                if 2 < seen[0, 0] < camera.width - 2 and 2 < seen[0, 1] < camera.height - 2:
                    there = sample_bilinear(photo, np.array([file.project_point(point.xyz)]))[0]
                    apart.append(abs(there - sample_bilinear(written, seen)[0]))
    assert len(apart) > 500
    assert np.median(apart) < 4


def test_a_scene_keeps_how_its_photos_were_straightened(through: Through, tmp_path: Path) -> None:
    save_scene(through.scene, tmp_path / "scene.npz")
    for view, again in zip(through.scene.views, load_scene(tmp_path / "scene.npz").views, strict=True):
        assert view.rectification == again.rectification
        assert view.rectification is not None
        assert view.rectification.file_camera == through.camera


def test_a_photo_is_localized_through_its_lens(through: Through, tmp_path: Path) -> None:
    words = ["localize", str(through.folder / "out"), str(through.folder / "photos" / "2.png"), "--quiet"]
    known = ["--intrinsics", str(through.folder / "cameras.txt"), "--regressor", "stereo"]
    outputs = [
        "--features",
        "sift",
        "--output",
        str(tmp_path / "poses.txt"),
        "--prepare",
        str(tmp_path / "p"),
    ]
    assert main([*words, *known, *outputs]) == 0
    name, *numbers = (tmp_path / "poses.txt").read_text().splitlines()[-1].split()
    assert name == "2.png"
    w, x, y, z = map(float, numbers[:4])
    found = pycolmap.Rotation3d(np.array([x, y, z, w])).matrix()
    assert rotation_angle_deg(found @ through.scene.cam_from_world[2, :3, :3].T) < 0.1


def test_images_cannot_keep_a_lens_that_readers_do_not_have(
    through: Through, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(through.folder / "out"), "--format", "nerfstudio", "--keep-distortion"]
    assert main([*words, "--quiet", "--output", str(tmp_path / "dataset")]) == 2
    assert f"cannot keep its lens, {through.camera.model}" in capfd.readouterr().err
