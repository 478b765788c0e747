"""Known cameras out of text files."""

from pathlib import Path

import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.intrinsics import read_intrinsics
from dust3r_sfm.types import Camera

RADIAL = Camera("SIMPLE_RADIAL", 640, 480, (500.0, 320.0, 240.0, -0.1))


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cameras.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_a_photo(tmp_path: Path) -> None:
    text = "# hloc\nq/a b.jpg SIMPLE_RADIAL 640 480 500 320 240 -0.1\n\nc.jpg PINHOLE 10 20 5 5 5 10\n"
    found = read_intrinsics(written(tmp_path, text))
    assert found.camera("q/a b.jpg", (640, 480)) == RADIAL
    assert found.camera("deep/c.jpg", (10, 20)) == Camera("PINHOLE", 10, 20, (5.0, 5.0, 5.0, 10.0))
    assert found.camera("other.jpg", (640, 480)) is None
    with pytest.raises(InputError, match=r"c.jpg has 20x10 pixels as it is stored, its given camera 10x20"):
        found.camera("c.jpg", (20, 10))


def test_colmaps_cameras_hold_for_all_of_a_size(tmp_path: Path) -> None:
    found = read_intrinsics(written(tmp_path, "1 SIMPLE_RADIAL 640 480 500 320 240 -0.1\n"))
    assert found.camera("any.jpg", (640, 480)) == RADIAL
    assert found.camera("any.jpg", (480, 640)) is None
    both = "1 SIMPLE_PINHOLE 640 480 500 320 240\n2 SIMPLE_PINHOLE 640 480 600 320 240\n"
    with pytest.raises(InputError, match="several cameras of 640x480 pixels"):
        read_intrinsics(written(tmp_path, both))


@pytest.mark.parametrize(
    "line",
    [
        "a.jpg",
        "a.jpg LENS 640 480 500 320 240",
        "a.jpg PINHOLE 640 480 500",
        "a.jpg PINHOLE 640 480 nan nan 320 240",
        "a.jpg PINHOLE 640 x 500 500 320 240",
        "a.jpg PINHOLE 0 480 500 500 320 240",
    ],
)
def test_what_is_no_camera(line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: .* is not a camera"):
        read_intrinsics(written(tmp_path, line + "\n"))


def test_no_text_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_intrinsics(tmp_path / "lost.txt")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match="is not a text file"):
        read_intrinsics(tmp_path / "photo.jpg")


def test_tabs_between_fields_and_a_model_s_word_in_a_name(tmp_path: Path) -> None:
    lines = "a.jpg\tPINHOLE\t640\t480\t525\t525\t320\t240\nmy PINHOLE b.jpg PINHOLE 640 480 500 500 320 240\n"
    found = read_intrinsics(written(tmp_path, lines)).by_name
    assert {name: camera.params[0] for name, camera in found.items()} == {
        "a.jpg": 525,
        "my PINHOLE b.jpg": 500,
    }


def test_two_cameras_of_one_photo_and_none_at_all(tmp_path: Path) -> None:
    line = "a.jpg SIMPLE_PINHOLE 640 480 {} 320 240\n"
    assert len(read_intrinsics(written(tmp_path, 2 * line.format(500))).by_name) == 1
    with pytest.raises(InputError, match=r"line 2: a.jpg has another camera before"):
        read_intrinsics(written(tmp_path, line.format(500) + line.format(600)))
    with pytest.raises(InputError, match="holds no cameras"):
        read_intrinsics(written(tmp_path, "# nothing\n"))


def test_cameras_of_other_photos_are_not_passed_over(tmp_path: Path) -> None:
    given = read_intrinsics(written(tmp_path, "a.jpg SIMPLE_PINHOLE 640 480 500 320 240\n"))
    given.require_fit(["a.jpg", "b.jpg"])
    given.require_fit(["left/a.jpg", "right/b.jpg"])
    with pytest.raises(
        InputError, match=r"1 given cameras, such as that of a.jpg, are of none of the 2 photos"
    ):
        given.require_fit(["c.jpg", "b.jpg"])
    with pytest.raises(InputError, match=r"camera of a.jpg may be of 2 photos"):
        given.require_fit(["left/a.jpg", "right/a.jpg"])
