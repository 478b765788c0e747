"""COLMAP models read as arrays: what pycolmap reads of them, and nothing of what cannot be."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.colmap.models import model_of_photos, track_of
from dust3r_sfm.io.sparse_model import SparseModel, read_sparse_model
from dust3r_sfm.types import Camera

NAMES = ["b.jpg", "a b.jpg"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two photos, with three keypoints of which two show points, and one keypoint."""
    pixels = [np.array([[1.5, 2.5], [3.0, 4.0], [5.0, 6.0]]), np.array([[7.0, 8.0]])]
    poses = [np.eye(4), np.eye(4) + np.eye(4, k=3)]
    cameras = [
        Camera("SIMPLE_RADIAL", 20, 10, (9.0, 10.0, 5.0, 0.1)),
        Camera.pinhole(8, 6, 5.0, 5.0, 4.0, 3.0),
    ]
    made = model_of_photos(NAMES, cameras, poses, pixels)
    made.add_point3D(np.array([0.1, 0.2, 3.0]), track_of([(1, 2), (2, 0)]), np.array([1, 2, 3], np.uint8))
    made.add_point3D(np.array([0.4, 0.5, 6.0]), track_of([(1, 0)]), np.array([4, 5, 6], np.uint8))
    for write in (made.write_binary, made.write_text):
        folder = tmp_path / write.__name__
        folder.mkdir()
        write(str(folder))
    return tmp_path


def check(sparse: SparseModel) -> None:
    assert [image.name for image in sparse.images] == NAMES
    np.testing.assert_array_equal(sparse.xyz, [[0.1, 0.2, 3.0], [0.4, 0.5, 6.0]])
    np.testing.assert_array_equal(sparse.rgb, [[1, 2, 3], [4, 5, 6]])
    first, second = sparse.images
    assert first.camera == Camera("SIMPLE_RADIAL", 20, 10, (9.0, 10.0, 5.0, 0.1))
    np.testing.assert_array_equal(first.rows, [1, 0])
    np.testing.assert_array_equal(first.pixels, [[1.5, 2.5], [5.0, 6.0]])
    np.testing.assert_array_equal(second.rows, [0])
    np.testing.assert_array_equal(second.pixels, [[7.0, 8.0]])
    assert second.cam_from_world[0, 3] == 1.0


def test_binary_models_are_read(model: Path) -> None:
    check(read_sparse_model(model / "write_binary"))


def test_text_models_without_blanks_in_names_are_read(model: Path) -> None:
    for file in (model / "write_text").iterdir():
        file.write_text(file.read_text().replace("a b.jpg", "a_b.jpg"))
    sparse = read_sparse_model(model / "write_text")
    np.testing.assert_array_equal(sparse.images[0].rows, [1, 0])
    np.testing.assert_array_equal(sparse.images[0].pixels, [[1.5, 2.5], [5.0, 6.0]])


def test_points_need_not_stand_in_order(model: Path) -> None:
    file = model / "write_binary" / "points3D.bin"
    data = file.read_bytes()
    first = 8 + 51 + 8 * struct.unpack_from("<Q", data, 8 + 43)[0]
    file.write_bytes(data[:8] + data[first:] + data[8:first])
    sparse = read_sparse_model(file.parent)
    np.testing.assert_array_equal(sparse.xyz[sparse.images[1].rows], [[0.1, 0.2, 3.0]])
    assert len(pycolmap.Reconstruction(str(file.parent)).points3D) == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:-1], "records end at byte"),
        (lambda data: data + b"x", "records end at byte"),
        (lambda data: struct.pack("<Q", 2**60) + data[8:], "speaks of"),
        (lambda data: data[:51] + struct.pack("<Q", 2**62) + data[59:], "ends within a record"),
        (lambda data: data[:16] + struct.pack("<d", float("nan")) + data[24:], "not finite"),
        (lambda data: data[:8] + struct.pack("<Q", 77) + data[16:], "shows a point that is not there"),
        (lambda data: data[:8] + struct.pack("<Q", 2) + data[16:], "twice"),
    ],
)
def test_damaged_points_are_refused(spoil: Callable[[bytes], bytes], message: str, model: Path) -> None:
    file = model / "write_binary" / "points3D.bin"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(InputError, match=message):
        read_sparse_model(file.parent)
