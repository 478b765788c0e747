"""Text models as people write them: all hold the same six poses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io import model_folder, read_model, read_posed_cameras
from tests.io.colmap_files import NAMES, posed_model, write_model


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


def poses(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")][::2]


def twice_as_long(line: str) -> str:
    number, *quaternion, rest = line.split(maxsplit=5)
    return " ".join([number, *(str(2 * float(value)) for value in quaternion), rest])


FORMS: dict[str, Callable[[str], str]] = {
    "as COLMAP writes it": lambda t: t,
    "no second lines": lambda t: "\n".join(comments(t) + poses(t)) + "\n",
    "blank line after the header": lambda t: "\n".join(comments(t)) + "\n\n" + "\n\n".join(poses(t)) + "\n\n",
    "blank lines at the end": lambda t: t + "\n\n\n",
    "blank pairs": lambda t: "\n\n\n".join(poses(t)) + "\n",
    "no last line": lambda t: t.rstrip("\n") + "\n",
    "a comment between": lambda t: t.replace("\n20 ", "\n# second photo\n20 "),
    "byte order mark": lambda t: "\ufeff" + t,
    "byte order mark without comments": lambda t: "\ufeff" + "\n\n".join(poses(t)) + "\n",
    "CRLF": lambda t: t.replace("\n", "\r\n"),
    "tabs": lambda t: "\n\n".join("\t".join(line.split(maxsplit=9)) for line in poses(t)) + "\n",
    "indented": lambda t: "\n\n".join("  " + line for line in poses(t)) + "\n",
    "indented comment": lambda t: "  # my list\n" + t,
    "quaternions twice as long": lambda t: "\n\n".join(map(twice_as_long, poses(t))) + "\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("points", [0, 5])
def test_every_photo_is_read(form: str, points: int, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "0", "txt", points)
    file = folder / "images.txt"
    file.write_bytes(FORMS[form](file.read_text()).encode())
    found = read_posed_cameras(folder)
    assert list(found) == list(NAMES)
    for image in posed_model(points).images.values():
        np.testing.assert_allclose(
            found[image.name].cam_from_world[:3], image.cam_from_world().matrix(), atol=1e-12
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_model_has_every_photo_or_is_refused(form: str, tmp_path: Path) -> None:
    """pycolmap takes every second line for keypoints: what it would lose is noticed by count."""
    folder = write_model(tmp_path / "0", "txt", 0)
    file = folder / "images.txt"
    file.write_bytes(FORMS[form](file.read_text()).encode())
    try:
        found = read_model(folder)
    except InputError:
        assert form != "as COLMAP writes it"
    else:
        assert {image.name for image in found.images.values()} == set(NAMES)


DAMAGE: dict[str, tuple[str, Callable[[str], str], str]] = {
    "zero quaternion": (
        "images.txt",
        lambda t: t.replace(" ".join(poses(t)[0].split()[1:5]), "0 0 0 0"),
        "line 5.*tells no rotation",
    ),
    "nan": (
        "images.txt",
        lambda t: t.replace(" ".join(poses(t)[1].split()[5:8]), "nan 0 0"),
        "line 7.*not finite",
    ),
    "camera missing": ("images.txt", lambda t: t.replace(" 3 in/3", " 7 in/3"), "camera 7 of 'in/3 b.jpg'"),
    "one name twice": ("images.txt", lambda t: t.replace("in/3 b.jpg", "in/2 b.jpg"), "'in/2 b.jpg' .*twice"),
    "one number twice": ("images.txt", lambda t: t.replace("\n30 ", "\n20 "), "20 stands there twice"),
    "no number": ("images.txt", lambda t: t.replace("\n30 ", "\n-3 "), "no whole number"),
    "name missing": ("images.txt", lambda t: t.replace(" 3 in/3 b.jpg", ""), "is no image"),
    "two cameras of a number": (
        "cameras.txt",
        lambda t: t + t.splitlines()[-1] + "\n",
        "3 stands there twice",
    ),
    "no camera": ("cameras.txt", lambda t: t.replace("PINHOLE", "LENS"), "none of COLMAP"),
    "focal of 0": ("cameras.txt", lambda t: t.replace(" 500 ", " 0 "), "focal of 0"),
    "an infinite focal": ("cameras.txt", lambda t: t.replace(" 500 ", " inf "), "not finite"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named(damage: str, tmp_path: Path) -> None:
    name, change, said = DAMAGE[damage]
    folder = write_model(tmp_path / "0", "txt", 0)
    text = (folder / name).read_text()
    assert change(text) != text
    (folder / name).write_text(change(text))
    for read in (read_posed_cameras, read_model):
        with pytest.raises(InputError, match=f"not a readable COLMAP model.*{said}"):
            read(folder)


@pytest.mark.parametrize("file", ["images", "points3D", "rigs", "frames"])
def test_words_that_are_lost_or_changed(file: str, tmp_path: Path) -> None:
    """Each word of a file in turn left out, made endless or made text: refused in words, or read."""
    folder = write_model(tmp_path / "0", "txt")
    path = folder / f"{file}.txt"
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#")) + "\n"
    words = text.split(" ")
    refused = 0
    for at in range(0, len(words), max(1, len(words) // 25)):
        for other in ("", "x", "99999999999", "-1", "1e400"):
            path.write_text(" ".join([*words[:at], other, *words[at + 1 :]]))
            try:
                read_model(folder)
            except InputError:
                refused += 1
    assert refused > 0


def test_the_model_with_most_photos_is_taken_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small = write_model(tmp_path / "sparse" / "0", "txt", 0)
    lines = (small / "images.txt").read_text().splitlines()
    (small / "images.txt").write_text("\n".join(lines[:8]) + "\n")
    large = write_model(tmp_path / "sparse" / "1", "bin")
    for place in (tmp_path, tmp_path / "sparse"):
        caplog.clear()
        assert model_folder(place) == large
        assert "holds 2 models" in caplog.text
        assert str(large) in caplog.text
    caplog.clear()
    assert model_folder(small) == small
    assert not caplog.text
