"""Binary models that say what they do not hold: refused at once, by the file's name. (Before they were read
within their bounds, each of these kept pycolmap busy without end, or ended in a traceback.)"""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io import read_model, read_posed_cameras
from tests.io.colmap_files import NAMES, posed_model, write_model

PARTS = ("cameras", "images", "points3D", "rigs", "frames")


def patched(data: bytes, at: int, layout: str, *values: float) -> bytes:
    size = struct.calcsize(layout)
    return data[:at] + struct.pack(layout, *values) + data[at + size :]


def test_a_whole_model_is_what_pycolmap_reads(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "0", "bin")
    truth = posed_model()
    found = read_posed_cameras(folder)
    assert set(found) == set(NAMES)
    for image in truth.images.values():
        np.testing.assert_allclose(
            found[image.name].cam_from_world[:3], image.cam_from_world().matrix(), atol=1e-14
        )
        assert found[image.name].camera.params == (500.0, 510.0, 320.0, 240.0)
    assert len(read_model(folder).points3D) == 5


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_cut_file(part: str, share: float, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "0", "bin")
    file = folder / f"{part}.bin"
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=rf"{part}.bin: not a readable COLMAP model"):
        read_model(folder)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("count", [0, 7, 2**31, 2**60, 2**64 - 1])
def test_a_count_that_is_not_true(part: str, count: int, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "0", "bin")
    file = folder / f"{part}.bin"
    file.write_bytes(patched(file.read_bytes(), 0, "<Q", count))
    with pytest.raises(InputError, match="not a readable COLMAP model"):
        read_model(folder)


FIRST_POINT, FIRST_IMAGE, FIRST_CAMERA = 8, 8, 8
NAME = 8 + 4 + 56 + 4
LIES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a track of 10^9": ("points3D", lambda b: patched(b, FIRST_POINT + 43, "<Q", 10**9), "ends within"),
    "a track of 2^64": ("points3D", lambda b: patched(b, FIRST_POINT + 43, "<Q", 2**64 - 1), "ends within"),
    "an image that is not there": (
        "points3D",
        lambda b: patched(b, FIRST_POINT + 51, "<I", 77),
        "seen by the image 77",
    ),
    "a keypoint too many": ("points3D", lambda b: patched(b, FIRST_POINT + 55, "<I", 99), "keypoint"),
    "one point twice": ("points3D", lambda b: patched(b, FIRST_POINT + 67, "<Q", 1), "twice"),
    "bytes at the end": ("points3D", lambda b: b + b"\0", "follow its last record"),
    "a name that is no text": ("images", lambda b: b[:NAME] + b"\xff" + b[NAME + 1 :], "utf-8"),
    "a name without end": ("images", lambda b: b[:NAME] + b[NAME:].replace(b"\0", b"\1"), "ends within"),
    "no rotation": (
        "images",
        lambda b: patched(b, FIRST_IMAGE + 4, "<4d", 0, 0, 0, 0),
        "in/0 b.jpg.*rotation",
    ),
    "no place": ("images", lambda b: patched(b, FIRST_IMAGE + 36, "<d", np.nan), "in/0 b.jpg.*not finite"),
    "far away": ("images", lambda b: patched(b, FIRST_IMAGE + 36, "<d", 1e300), "coordinates"),
    "a camera that is not there": ("images", lambda b: patched(b, FIRST_IMAGE + 60, "<I", 9), "camera 9"),
    "a point that is not there": (
        "images",
        lambda b: patched(b, NAME + len(NAMES[0]) + 1 + 8 + 16, "<Q", 55),
        "shows the point 55",
    ),
    "no such model": ("cameras", lambda b: patched(b, FIRST_CAMERA + 4, "<i", 99), "no camera model"),
    "INVALID": ("cameras", lambda b: patched(b, FIRST_CAMERA + 4, "<i", -1), "no camera model"),
    "another model": ("cameras", lambda b: patched(b, FIRST_CAMERA + 4, "<i", 4), "ends within"),
    "no width": ("cameras", lambda b: patched(b, FIRST_CAMERA + 8, "<Q", 0), "picture of 0 x 480"),
    "endless width": ("cameras", lambda b: patched(b, FIRST_CAMERA + 8, "<Q", 2**63), "picture of"),
    "focal 0": ("cameras", lambda b: patched(b, FIRST_CAMERA + 24, "<d", 0.0), "focal of 0"),
    "focal below 0": ("cameras", lambda b: patched(b, FIRST_CAMERA + 24, "<d", -500.0), "focal of -500"),
    "focal nan": ("cameras", lambda b: patched(b, FIRST_CAMERA + 24, "<d", np.nan), "not finite"),
    "a rig of 10^9 sensors": ("rigs", lambda b: patched(b, 12, "<I", 10**9), "ends within"),
    "a rig of another camera": ("rigs", lambda b: patched(b, 20, "<I", 8), "camera 8 of the rig"),
    "a frame of 10^9 images": ("frames", lambda b: patched(b, 72, "<I", 10**9), "ends within"),
    "a frame of another rig": ("frames", lambda b: patched(b, 12, "<I", 8), "rig 8 of the frame"),
    "an image in no frame": ("frames", lambda b: patched(b, 84, "<Q", 70), "in no frame"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lies(lie: str, tmp_path: Path) -> None:
    part, change, said = LIES[lie]
    folder = write_model(tmp_path / "0", "bin")
    file = folder / f"{part}.bin"
    changed = change(file.read_bytes())
    assert changed != file.read_bytes()
    file.write_bytes(changed)
    with pytest.raises(InputError, match=f"not a readable COLMAP model.*{said}"):
        read_model(folder)


def test_bits_that_flip_are_found_or_read(tmp_path: Path) -> None:
    """Whatever a disk does to a model, it is refused in words or read with nothing that is no number."""
    folder = write_model(tmp_path / "0", "bin")
    rng = np.random.default_rng(1)
    whole = {part: (folder / f"{part}.bin").read_bytes() for part in PARTS}
    refused = 0
    for _ in range(400):
        part = PARTS[rng.integers(len(PARTS))]
        data = bytearray(whole[part])
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        (folder / f"{part}.bin").write_bytes(data)
        try:
            images = read_posed_cameras(folder)
            read_model(folder)
            assert all(np.isfinite(image.cam_from_world).all() for image in images.values())
        except InputError:
            refused += 1
        (folder / f"{part}.bin").write_bytes(whole[part])
    assert 40 < refused < 360
