"""Hand-written files: what they may hold, and what is refused at once."""

import os
from pathlib import Path

import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.text_files import numbered_lines, read_json


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("\ufeff# mine\r\n\r\n  a b.jpg \r\n\u2028\nc\x0cd".encode())
    assert numbered_lines(file) == [(3, "a b.jpg"), (5, "c\x0cd")]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(InputError, match=r"is no file; give"):
            numbered_lines(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "1" * 5000 + "}",
        "[" * 700_000,
        "[" * 5000 + "]" * 5000,
    ],
    ids=["empty", "cut", "nan", "infinity", "too large", "5000 digits", "700 000 levels", "5000 levels"],
)
def test_what_is_no_json(text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"a.json: is (no JSON file|nested too deeply)"):
        read_json(file)
