"""Known cameras of photos that are to be localized, out of text files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.types import CAMERA_MODELS, Camera


@dataclass(frozen=True)
class Intrinsics:
    """Cameras of stored files."""

    by_name: Mapping[str, Camera] = field(default_factory=dict)
    """By photo name."""
    by_size: Mapping[tuple[int, int], Camera] = field(default_factory=dict)
    """By (width, height) in pixels, for all photos of that size."""

    def camera(self, name: str, size: tuple[int, int]) -> Camera | None:
        """None where nothing is known of this photo. Raises InputError if its camera has another size."""
        found = self.by_name.get(name) or self.by_name.get(PurePosixPath(name).name)
        if found is None:
            return self.by_size.get(size)
        if (found.width, found.height) != size:
            raise InputError(
                f"{name} has {size[0]}x{size[1]} pixels as it is stored, its given camera "
                f"{found.width}x{found.height}: give the camera of this file"
            )
        return found


def read_intrinsics(file: Path) -> Intrinsics:
    """Lines `NAME MODEL WIDTH HEIGHT PARAMS...` as hloc's lists have them, or COLMAP's cameras.txt, the same
    with a number in place of the name: it then holds for all photos of that size. Blank lines and those
    that begin with # are passed over. Raises InputError for a file that is otherwise."""
    by_name: dict[str, Camera] = {}
    by_size: dict[tuple[int, int], Camera] = {}
    for line in intrinsics_lines(file):
        found = named_camera(line)
        if found is None:
            raise InputError(
                f"{file}: {line!r} is not a camera; write NAME MODEL WIDTH HEIGHT PARAMS..., say "
                "a.jpg PINHOLE 640 480 525 525 320 240"
            )
        name, camera = found
        size = camera.width, camera.height
        if not name.isdigit():
            by_name[name] = camera
        elif by_size.setdefault(size, camera) != camera:
            raise InputError(
                f"{file}: has several cameras of {size[0]}x{size[1]} pixels; write a line for each photo, "
                "with its name in place of the number"
            )
    return Intrinsics(by_name, by_size)


def intrinsics_lines(file: Path) -> list[str]:
    """Without blank ones and comments. Raises InputError for a file that cannot be read as text."""
    return [line for _, line in numbered_lines(file)]


def numbered_lines(file: Path) -> list[tuple[int, str]]:
    """The same, each behind its number in the file, from 1. A byte order mark is no part of the first."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); give another file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is not a text file ({error.reason}); give another file") from error
    numbered = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def named_camera(line: str) -> tuple[str, Camera] | None:
    """Name and camera of one line; None for a line that has no camera. Names may have blanks."""
    words = line.split()
    at = next((k for k in range(1, len(words)) if words[k] in CAMERA_MODELS), None)
    if at is None:
        return None
    try:
        width, height = int(words[at + 1]), int(words[at + 2])
        camera = Camera(words[at], width, height, tuple(float(word) for word in words[at + 3 :]))
    except (ValueError, IndexError):
        return None
    if not (np.isfinite(camera.params).all() and width > 0 and height > 0):
        return None
    return line.split(f" {words[at]} ")[0].strip(), camera
