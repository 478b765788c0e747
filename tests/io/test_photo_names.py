"""The order of photos, which names can be written, and what a terminal is shown of them."""

import os
import random

import pytest

from dust3r_sfm.io.photo_names import natural_key, shown, unusable_names


def test_people_count_2_before_10() -> None:
    names = [f"{k}.jpg" for k in range(1, 13)] + [
        "a/IMG_9.jpg",
        "a/IMG_10.jpg",
        "a/IMG_100.jpg",
        "b2/1.jpg",
        "b10/1.jpg",
    ]
    mixed = random.Random(0).sample(names, len(names))
    assert sorted(mixed, key=natural_key) == names


def test_numbers_of_equal_length_are_in_plain_order() -> None:
    names = [f"{folder}/DSC{k:05d}.JPG" for folder in ("a", "b-1", "b/c") for k in range(0, 3000, 7)]
    assert sorted(names, key=natural_key) == sorted(names)


def test_every_set_of_names_has_one_order() -> None:
    """Also of names without text or number, with numbers of thousands of digits, and alike but for zeros."""
    names = ["", "1", "01", "001", "a", "a1", "a01", "1a", "١", "²", "9" * 5000, "9" * 5001, "a" * 300]
    first = sorted(names, key=natural_key)
    for seed in range(20):
        assert sorted(random.Random(seed).sample(names, len(names)), key=natural_key) == first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b [x] é 全角 👩\u200d🚀.jpg", "a b [x] é 全角 👩\u200d🚀.jpg"),
        ("\x1b[2Jgone\nnext\r\t\x07", r"\x1b[2Jgone\nnext\r\t\x07"),
        ("exe\u202egpj.jpg", r"exe\u202egpj.jpg"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
        ("\u2028\u0085", r"\u2028\x85"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_an_escape(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/a.jpg", "a/../../b.jpg", "..", "", "C:\\a.jpg", "C:a.jpg", "\\a.jpg"]
)
def test_no_name_leads_out_of_a_folder(name: str) -> None:
    assert "leads out of the output folder" in unusable_names([name])[name]
