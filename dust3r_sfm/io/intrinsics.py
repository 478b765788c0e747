"""Known cameras of photos that are to be localized, out of text files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap.records import camera_record
from dust3r_sfm.io.text_files import add_once, numbered_lines
from dust3r_sfm.io.values import quoted
from dust3r_sfm.types import Camera
from dust3r_sfm.types.cameras import CAMERA_MODELS

_EXAMPLE = "NAME MODEL WIDTH HEIGHT PARAMS..., say a.jpg PINHOLE 640 480 525 525 320 240"


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

    def require_fit(self, names: Sequence[str]) -> None:
        """Raises InputError where cameras are given by name and none is of a photo in `names`, or where one
        without a folder may be of several: a camera that is passed over leaves a focal to be guessed."""
        if not self.by_name or not names:
            return
        others = Counter(PurePosixPath(name).name for name in names if name not in self.by_name)
        for name in self.by_name:
            if name not in names and others[name] > 1:
                raise InputError(
                    f"the camera of {name} may be of {others[name]} photos; write their folders too"
                )
        if not self.by_size and not any(name in names or others[name] for name in self.by_name):
            raise InputError(
                f"the {len(self.by_name)} given cameras, such as that of {next(iter(self.by_name))}, are of "
                f"none of the {len(names)} photos, such as {names[0]}: photos are found by name"
            )


def read_intrinsics(file: Path) -> Intrinsics:
    """Lines `NAME MODEL WIDTH HEIGHT PARAMS...` as hloc's lists have them, or COLMAP's cameras.txt, the same
    with a number in place of the name: it then holds for all photos of that size. Blank lines and those
    that begin with # are passed over. Raises InputError for a file that is otherwise, that holds no camera,
    or two different ones for a photo."""
    by_name: dict[str, Camera] = {}
    by_size: dict[tuple[int, int], Camera] = {}
    for number, line in numbered_lines(file):
        name, camera = _named_camera(file, number, line)
        size = camera.width, camera.height
        if not name.isdigit():
            add_once(by_name, name, camera, f"{file}, line {number}", "camera")
        elif by_size.setdefault(size, camera) != camera:
            raise InputError(
                f"{file}: has several cameras of {size[0]}x{size[1]} pixels; write a line for each photo, "
                "with its name in place of the number"
            )
    if not by_name and not by_size:
        raise InputError(f"{file}: holds no cameras; write {_EXAMPLE}")
    return Intrinsics(by_name, by_size)


def _named_camera(file: Path, number: int, line: str) -> tuple[str, Camera]:
    try:
        found = parse_camera_line(line)
    except ValueError as error:
        raise InputError(f"{file}, line {number}: {quoted(line)} is not a camera: {error}") from error
    if found is None:
        raise InputError(f"{file}, line {number}: {quoted(line)} is not a camera; write {_EXAMPLE}")
    return found


def parse_camera_line(line: str) -> tuple[str, Camera] | None:
    """Name and camera of one line; None for a line without a camera. Names may have blanks. Raises ValueError
    where a camera's model is named and what follows is no such camera."""
    words = line.split()
    models = [at for at, word in enumerate(words) if at > 0 and word in CAMERA_MODELS]
    # A name may hold the word for a model: what makes a camera is the last of them.
    if not models or len(words) < models[-1] + 3:
        return None
    at = models[-1]
    name = line.rsplit(maxsplit=len(words) - at)[0]
    return name.strip(), camera_record(words[at], words[at + 1], words[at + 2], words[at + 3 :])
