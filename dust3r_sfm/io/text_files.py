"""Text files that people write by hand: read whole, or refused by name."""

import json
import stat
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.values import finite_number

Value = TypeVar("Value")

LARGEST_TEXT = 2**31
"""Bytes: a COLMAP model in text of a city. What is larger is another file given by mistake."""


def read_text(file: Path) -> str:
    """A file in UTF-8; a byte order mark is no part of it. Raises InputError for a file that cannot be read,
    is no regular one (a pipe would be waited for) or no text."""
    try:
        about = file.stat()
        if not stat.S_ISREG(about.st_mode):
            raise InputError(f"{file}: is no file; give the path of a text file")
        if about.st_size > LARGEST_TEXT:
            raise InputError(f"{file}: has {about.st_size} bytes, too many for a text file; check the path")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give another file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not a text file ({error.reason}); give another file") from error


def numbered_lines(file: Path) -> list[tuple[int, str]]:
    """Lines without blanks around them, each behind its number in the file, from 1; neither blank ones nor
    comments, which begin with #. Raises InputError as `read_text` does."""
    numbered = ((number, line.strip()) for number, line in enumerate(read_text(file).split("\n"), start=1))
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def add_once(found: dict[str, Value], name: str, value: Value, place: str, kind: str) -> None:
    """Adds what a line says of `name`. Raises InputError, with the line's `place`, where another one has said
    something else: which of the two holds nobody knows."""
    # Of arrays each entry is compared.
    if np.any(found.setdefault(name, value) != value):
        raise InputError(f"{place}: {name} has another {kind} before; keep one of them")


def read_json(file: Path) -> Any:
    """What a JSON file says, all its numbers finite. Raises InputError for what is no JSON, or nested too
    deeply to be any program's."""
    text = read_text(file)
    try:
        return json.loads(text, parse_float=finite_number, parse_constant=finite_number)
    except RecursionError as error:
        raise InputError(f"{file}: is nested too deeply for a file of cameras; check it") from error
    except ValueError as error:
        raise InputError(f"{file}: is no JSON file ({error}); check it") from error
