"""Scenes saved and loaded."""

import json
import os
import zipfile
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.scene_file import load_scene, save_scene
from dust3r_sfm.types import Camera, Pair


def assert_identical(a, b) -> None:
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif is_dataclass(a):
        for field in fields(a):
            assert_identical(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_identical(x, y)
    else:
        assert a == b


@pytest.fixture
def saved(scene, tmp_path) -> Path:
    save_scene(scene, tmp_path / "scene.npz")
    return tmp_path / "scene.npz"


def _rewritten(path: Path, **changed: np.ndarray) -> Path:
    with np.load(path) as file:
        arrays = {**file, **changed}
    np.savez(path, **arrays)
    return path


def test_everything_comes_back(scene, tmp_path):
    first = replace(
        scene.views[0],
        mask=np.arange(scene.views[0].image[..., 0].size).reshape(scene.depth[0].shape) % 3 == 0,
        path=Path("photos/ä b.jpg"),
        exif_focal_px=1 / 3,
        exif_camera="Maker Model",
    )
    depth = (scene.depth[0].astype(np.float32), *scene.depth[1:])
    lens = (Camera("FOV", 160, 120, (100.0, 101.0, 80.0, 60.0, 0.5)), *scene.cameras[1:])
    report = replace(scene.report, repeated_structure=(Pair(0, 1), Pair(3, 2)))
    rich = replace(scene, views=(first, *scene.views[1:]), cameras=lens, depth=depth, report=report)
    save_scene(rich, tmp_path / "deep" / "scene.npz")
    assert_identical(load_scene(tmp_path / "deep" / "scene.npz"), rich)


def test_same_scene_same_bytes(scene, saved, tmp_path):
    save_scene(scene, tmp_path / "again.npz")
    assert saved.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_pickles_are_refused(saved, tmp_path):
    class Payload:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "executed",))

    _rewritten(saved, cam_from_world=np.array([Payload()], dtype=object))
    with pytest.raises(InputError, match="not a scene file"):
        load_scene(saved)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04 and no more", b"\x93NUMPY", b"\x80\x04N."], ids=repr
)
def test_foreign_files_are_named(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.npz: not a scene file.*Reconstruct"):
        load_scene(tmp_path / "x.npz")


def test_truncated_and_flipped_files_are_named(saved):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a scene file"):
        load_scene(saved)
    middle = len(whole) // 2
    saved.write_bytes(whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :])
    with pytest.raises(InputError, match="not a scene file"):
        load_scene(saved)


def test_other_version_says_so(saved):
    with np.load(saved) as file:
        header = json.loads(file["header"].tobytes())
    encoded = np.frombuffer(json.dumps({**header, "version": 99}).encode(), np.uint8)
    with pytest.raises(InputError, match="version 99"):
        load_scene(_rewritten(saved, header=encoded))


def test_cameras_of_version_1_are_read(scene, saved):
    """They were pinholes with one radial coefficient, a field each."""
    with np.load(saved) as file:
        header = json.loads(file["header"].tobytes())
    names = ("width", "height", "fx", "fy", "cx", "cy")
    cameras = [{**{name: getattr(camera, name) for name in names}, "k1": -0.1} for camera in scene.cameras]
    old = {**header, "version": 1, "cameras": cameras}
    found = load_scene(_rewritten(saved, header=np.frombuffer(json.dumps(old).encode(), np.uint8)))
    for camera, before in zip(found.cameras, scene.cameras, strict=True):
        expected = Camera.radial(before.width, before.height, *before.focals, *before.principal_point, -0.1)
        assert camera == expected


def test_a_camera_that_cannot_be_is_refused(saved):
    with np.load(saved) as file:
        header = json.loads(file["header"].tobytes())
    header["cameras"][0]["params"] = [1.0]
    encoded = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with pytest.raises(InputError, match="a PINHOLE camera has 4 params, but 1 are given"):
        load_scene(_rewritten(saved, header=encoded))


def test_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="no such scene file"):
        load_scene(tmp_path / "scene.npz")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("cam_from_world", np.zeros((2, 4, 4)), r"cam_from_world is float64 of shape \(2, 4, 4\)"),
        ("view0.depth", np.zeros((3, 3)), r"view0\.depth is float64 of shape \(3, 3\)"),
        ("view0.image", np.zeros((120, 160, 4), np.uint8), r"view0\.image is uint8"),
        ("view3.mask", np.zeros((125, 125)), r"view3\.mask is float64"),
        ("tracks.view_index", np.zeros(3), r"tracks\.view_index is float64"),
        ("tracks.xyz", np.zeros((1, 3)), r"tracks\.color is uint8"),
        ("more", np.zeros(3), "'more'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, name, array, message):
    with pytest.raises(InputError, match=f"not a scene file, or a damaged one .*{message}"):
        load_scene(_rewritten(saved, **{name: array}))


def test_indices_out_of_range_are_refused(saved, scene):
    beyond = np.full_like(scene.tracks.view_index, len(scene.views))
    with pytest.raises(InputError, match="view_index has indices outside"):
        load_scene(_rewritten(saved, **{"tracks.view_index": beyond}))


def _with_header(saved, change):
    with np.load(saved) as file:
        header = json.loads(file["header"].tobytes())
    change(header)
    return _rewritten(saved, header=np.frombuffer(json.dumps(header).encode(), np.uint8))


HEADERS = {
    "no views": (lambda h: h.update(views=[], cameras=[]), "not a scene file"),
    "a name that is no text": (lambda h: h["views"][0].update(name=7), "not a scene file"),
    "no name": (lambda h: h["views"][0].update(name=""), "is no name"),
    "two of one name": (lambda h: h["views"][0].update(name=h["views"][1]["name"]), "or that of two"),
    "no size": (lambda h: h["views"][0].update(original_size=[0, 7]), "picture of 0 x 7"),
    "endless size": (lambda h: h["views"][0].update(original_size=[10**12, 7]), "picture of"),
    "focal nan": (lambda h: h["views"][0].update(exif_focal_px=float("nan")), "not finite"),
    "focal below 0": (lambda h: h["views"][0].update(known_focal_px=-3.0), "a focal of -3.0"),
    "a position of text": (lambda h: h["views"][0].update(exif_position=["a", "b", "c"]), "not a scene file"),
    "a camera too few": (lambda h: h["cameras"].pop(), "cameras for"),
    "a camera without focal": (lambda h: h["cameras"][0]["params"].__setitem__(0, 0.0), "PINHOLE camera of"),
    "a camera of nan": (lambda h: h["cameras"][0]["params"].__setitem__(2, float("nan")), "not finite"),
    "a camera of another size": (lambda h: h["cameras"][0].update(width=9), "a camera of 9 x"),
    "deep": (lambda h: h.update(views=_nested(900)), "not a scene file"),
    "another kind": (lambda h: h.update(views="abc"), "not a scene file"),
}


def _nested(levels):
    made = []
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize("kind", HEADERS)
def test_what_no_scene_says(saved, kind):
    change, said = HEADERS[kind]
    with pytest.raises(InputError, match=f"not a scene file, or a damaged one.*{said}|{said}"):
        load_scene(_with_header(saved, change))


@pytest.mark.parametrize(
    ("linear", "said"),
    [
        (np.full((4, 4), np.nan), "not finite"),
        (np.diag([1.0, 1.0, -1.0, 1.0]), "mirrors"),
        (np.diag([2.0, 2.0, 2.0, 1.0]), "scales by 2"),
        (np.diag([1.0, 1.0, 1.0, 2.0]), "last row"),
        (np.full((4, 4), 1e300), "far too large"),
    ],
)
def test_a_pose_that_is_none(saved, scene, linear, said):
    poses = np.array(scene.cam_from_world)
    poses[1] = linear
    with pytest.raises(InputError, match=f"not a scene file, or a damaged one.*{said}"):
        load_scene(_rewritten(saved, cam_from_world=poses))


@pytest.mark.parametrize("affine", [np.diag([1.0, -1.0, 1.0]), np.zeros((3, 3)), np.diag([1.0, 1.0, 0.0])])
def test_a_view_that_no_photo_has(saved, affine):
    with pytest.raises(InputError, match="pixel_from_original"):
        load_scene(_rewritten(saved, **{"view0.pixel_from_original": affine}))


def test_archives_that_unpack_to_more_are_refused(saved, tmp_path):
    with np.load(saved) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez_compressed(tmp_path / "packed.npz", **arrays)
    with pytest.raises(InputError, match="it is compressed"):
        load_scene(tmp_path / "packed.npz")


def test_a_header_of_numpy_s_that_is_cut(saved, tmp_path):
    """numpy reads it as Python's text, and raises what Python's tokenizer does (found by fuzzing)."""
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(tmp_path / "cut.npz", "w") as after:
        for member in before.infolist():
            data = before.read(member)
            if member.filename == "cam_from_world.npy":
                data = data.replace(b"'descr'", b"(descr'", 1)
            after.writestr(member.filename, data)
    with pytest.raises(InputError, match="not a scene file, or a damaged one"):
        load_scene(tmp_path / "cut.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "scene.npz")
    for place in (tmp_path, tmp_path / "scene.npz", Path(os.devnull)):
        with pytest.raises(InputError, match="no regular file"):
            load_scene(place)
