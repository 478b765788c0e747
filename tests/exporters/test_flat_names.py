"""Names that any trainer takes."""

import quopri
import re
from pathlib import Path

import pytest

from dust3r_sfm.exporters.images.flat_names import flat_names


def test_ordinary_names_stay():
    names = ("IMG_0001.jpg", "frame-2.png", "x.JPEG")
    assert flat_names(names) == ("IMG_0001.jpg", "frame-2.png", "x.jpg")


def test_what_cameras_compress_is_jpeg_and_the_rest_png():
    names = ("a.heic", "b.HEIF", "c.tif", "d.webp", "e.bmp", "f")
    assert flat_names(names) == ("a.jpg", "b.jpg", "c.png", "d.png", "e.png", "f.png")


@pytest.mark.parametrize("stem", ["day 1/é", "日本/写真", "a=b", "v1.2", "~!%\"'&", "back\\slash"])
def test_other_characters_are_escaped_and_come_back(stem):
    (flat,) = flat_names([f"{stem}.png"])
    assert re.fullmatch(r"[A-Za-z0-9_=-]+\.png", flat)
    assert quopri.decodestring(Path(flat).stem).decode() == stem


def test_names_of_any_bytes():
    assert flat_names(["\udcff.jpg"]) == ("=FF.jpg",)


def test_stems_differ_whatever_the_case_and_suffix():
    names = ["a.jpg", "A.jpg", "a.png", "a/b.jpg", "a=2.jpg", "a=3Db.jpg", "x.jpg", "x.heic"]
    flat = flat_names(names)
    assert len({Path(name).stem.lower() for name in flat}) == len(names)
    assert flat[:3] == ("a.jpg", "A=2.jpg", "a=3.png")


def test_long_names_fit_a_file_system_and_differ():
    names = [f"{'長い' * 40}/{index}.jpg" for index in range(3)]
    flat = flat_names(names)
    assert len(set(flat)) == 3
    assert max(len(name) for name in flat) < 200
    assert flat_names(names) == flat
