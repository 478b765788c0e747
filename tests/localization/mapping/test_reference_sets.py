"""Posed photo sets are read as they are, whoever wrote them, and what is missing is named."""

import json
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector
from dust3r_sfm.localization import read_reference

POSES = tuple(
    rigid(rotation_from_vector(np.array([0.1 * k, -0.3, 0.05])), np.array([0.2, 0.1 * k, 1.0]))
    for k in range(3)
)
LENSES = (("SIMPLE_RADIAL", [50.0, 32.0, 24.0, -0.1]), ("OPENCV_FISHEYE", [40, 41, 32, 24, 0.1, 0, 0, 0]))
NAMES = ("a.png", "sub/b.png", "ü c.png")


def write_photos(folder: Path, names: tuple[str, ...] = NAMES) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48), (90, 120, 60)).save(path)


def model(with_points: bool = True) -> pycolmap.Reconstruction:
    """Three photos, the first two with a lens each; point 7 is in all of them."""
    made = pycolmap.Reconstruction()
    for number, name in enumerate(NAMES, start=1):
        lens, params = LENSES[min(number - 1, 1)]
        camera = pycolmap.Camera(camera_id=number, model=lens, width=64, height=48, params=params)
        made.add_camera_with_trivial_rig(camera)
        image = pycolmap.Image(
            name=name, keypoints=[[1.0, 2.0], [10.0 + number, 20.5]], camera_id=number, image_id=number
        )
        made.add_image_with_trivial_frame(image, pycolmap.Rigid3d(POSES[number - 1][:3]))
    if with_points:
        track = pycolmap.Track()
        for number in (1, 2, 3):
            track.add_element(number, 1)
        made.add_point3D_with_id(7, pycolmap.Point3D(xyz=[0.5, 0.25, 4.0], track=track))
    return made


def write_model(made: pycolmap.Reconstruction, folder: Path, kind: str = "bin") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made.write_binary(str(folder)) if kind == "bin" else made.write_text(str(folder))


@pytest.mark.parametrize("below", ["", "sparse/0", "sparse", "colmap/sparse/0"])
def test_a_colmap_model_where_programs_put_it(below: str, tmp_path: Path) -> None:
    write_model(model(), tmp_path / below)
    write_photos(tmp_path / "images")
    reference = read_reference(tmp_path)
    assert [photo.name for photo in reference.photos] == list(NAMES)
    assert [photo.path for photo in reference.photos] == [tmp_path / "images" / name for name in NAMES]
    for photo, pose, (lens, params) in zip(reference.photos, POSES, (*LENSES, LENSES[1]), strict=True):
        np.testing.assert_allclose(photo.cam_from_world, pose, atol=1e-12)
        assert (photo.camera.model, photo.camera.params) == (lens, tuple(map(float, params)))
        assert (photo.camera.width, photo.camera.height) == (64, 48)
    points = reference.points
    assert points.ids.tolist() == [7]
    assert points.xyz.tolist() == [[0.5, 0.25, 4.0]]
    assert points.photo_index.tolist() == [0, 1, 2]
    assert points.pixels.tolist() == [[11.0, 20.5], [12.0, 20.5], [13.0, 20.5]]


def test_a_text_model_without_points(tmp_path: Path) -> None:
    names = ("a.png", "sub/b.png")
    made = model(with_points=False)
    made.deregister_frame(3)
    write_model(made, tmp_path / "model", "txt")
    write_photos(tmp_path / "elsewhere")
    reference = read_reference(tmp_path / "model", tmp_path / "elsewhere")
    assert [photo.name for photo in reference.photos] == list(names)
    assert len(reference.points.xyz) == 0


def test_a_photo_that_is_gone_is_named(tmp_path: Path) -> None:
    write_model(model(), tmp_path)
    write_photos(tmp_path / "images", NAMES[1:])
    reference = read_reference(tmp_path)
    assert [photo.name for photo in reference.photos] == list(NAMES[1:])
    assert reference.points.photo_index.tolist() == [0, 1]
    assert reference.skipped == {"a.png": f"no such file below {tmp_path / 'images'}"}


def test_no_photos_on_disk(tmp_path: Path) -> None:
    write_model(model(), tmp_path / "model")
    with pytest.raises(
        InputError, match=r"none of its 3 photos \(such as a.png\) was found .* with --images"
    ):
        read_reference(tmp_path / "model")


def test_broken_models(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_reference(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no COLMAP model .* and no transforms.json"):
        read_reference(tmp_path)
    write_model(model(), tmp_path / "cut")
    (tmp_path / "cut" / "points3D.bin").unlink()
    with pytest.raises(InputError, match=r"has no points3D.bin or .txt"):
        read_reference(tmp_path / "cut")
    (tmp_path / "garbage").mkdir()
    for part in ("cameras", "images", "points3D"):
        (tmp_path / "garbage" / f"{part}.txt").write_text("not a model\n")
    with pytest.raises(InputError, match="not a readable COLMAP model"):
        read_reference(tmp_path / "garbage")
    write_model(pycolmap.Reconstruction(), tmp_path / "empty")
    with pytest.raises(InputError, match="no photo with a pose"):
        read_reference(tmp_path / "empty")


OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


def transforms(**fields: object) -> dict[str, object]:
    frames = [
        {"file_path": f"images/{name}", "transform_matrix": (invert_rigid(pose) @ OPENGL).tolist()}
        for name, pose in zip(NAMES, POSES, strict=True)
    ]
    return {"w": 64, "h": 48, "fl_x": 50.0, "fl_y": 51.0, "cx": 32.5, "cy": 24.5, "frames": frames, **fields}


def test_transforms_json(tmp_path: Path) -> None:
    write_photos(tmp_path / "images")
    (tmp_path / "transforms.json").write_text(json.dumps(transforms(k1=-0.1, camera_model="OPENCV")))
    for given in (tmp_path, tmp_path / "transforms.json"):
        reference = read_reference(given)
        for photo, pose in zip(reference.photos, POSES, strict=True):
            np.testing.assert_allclose(photo.cam_from_world, pose, atol=1e-12)
            assert photo.camera.model == "OPENCV"
            assert photo.camera.params == (50.0, 51.0, 32.5, 24.5, -0.1, 0.0, 0.0, 0.0)
        assert len(reference.points.xyz) == 0
        assert reference.model is None


def test_transforms_json_with_an_angle_and_no_size(tmp_path: Path) -> None:
    write_photos(tmp_path / "images")
    written = transforms(camera_angle_x=2 * np.arctan(0.5))
    for key in ("w", "h", "fl_x", "fl_y", "cx", "cy"):
        del written[key]
    (tmp_path / "transforms.json").write_text(json.dumps(written))
    for photo in read_reference(tmp_path).photos:
        assert photo.camera.model == "PINHOLE"
        np.testing.assert_allclose(photo.camera.params, (64.0, 64.0, 32.0, 24.0))


@pytest.mark.parametrize(
    "text", ["", "{}", '{"frames": [{"file_path": "a.png", "transform_matrix": [[1]]}]}', "[1, 2]"]
)
def test_no_transforms_json_of_nerfstudio(text: str, tmp_path: Path) -> None:
    (tmp_path / "transforms.json").write_text(text)
    with pytest.raises(
        InputError,
        match=r"transforms.json: (is not a transforms.json|is no JSON|the transform_matrix of .* is no pose)",
    ):
        read_reference(tmp_path)


def test_a_camera_model_that_is_not_understood(tmp_path: Path) -> None:
    write_photos(tmp_path / "images")
    (tmp_path / "transforms.json").write_text(json.dumps(transforms(camera_model="EQUIRECTANGULAR")))
    with pytest.raises(InputError, match=r"the camera of images/a.png is not understood"):
        read_reference(tmp_path)
