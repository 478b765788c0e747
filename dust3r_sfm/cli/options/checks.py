"""What no option may be, whichever command it is of."""

import errno
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from dust3r_sfm.errors import InputError

SEEDS = 2**32
"""numpy's and pycolmap's random numbers take seeds below."""


def check_options(command: object) -> None:
    """Raises InputError for nan, infinity, seeds that no generator takes, and paths that lead nowhere."""
    for name, value in _options(command):
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{flag} {value}: give a number that is finite")
        if name == "seed" and isinstance(value, int) and not 0 <= value < SEEDS:
            raise InputError(f"{flag} {value}: give a whole number from 0 to {SEEDS - 1}")
        if isinstance(value, Path) and _leads_in_a_circle(value):
            raise InputError(f"{value}: is a link that leads in a circle; give another path")


def _leads_in_a_circle(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    except ValueError:
        return False
    return False


def _options(command: object) -> Iterator[tuple[str, object]]:
    """Names and values, those of groups of options among them."""
    if is_dataclass(command):
        for field in fields(command):
            value = getattr(command, field.name)
            if is_dataclass(value):
                yield from _options(value)
            else:
                yield from ((field.name, part) for part in (value if isinstance(value, tuple) else (value,)))
