"""Which photos are to be localized."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.files import find_photos
from dust3r_sfm.io.intrinsics import Intrinsics, parse_camera_line
from dust3r_sfm.io.text_files import numbered_lines
from dust3r_sfm.io.values import shown
from dust3r_sfm.types import Camera

_LIST_SUFFIX = ".txt"


@dataclass(frozen=True)
class Queries:
    """The photos to localize."""

    files: Mapping[str, Path]
    """Name -> file."""
    intrinsics: Intrinsics = field(default_factory=Intrinsics)
    """What is known of their cameras."""


def find_queries(queries: Path, intrinsics: Intrinsics | None = None, root: Path | None = None) -> Queries:
    """A folder of photos (with its sub-folders), one photo, or a text list: a path a line, as seen from
    `root` (or the list's folder), and behind it a camera if that is known (see `read_intrinsics`).
    Raises InputError for what is not there, and for cameras of which none is of a photo."""
    if queries.suffix.lower() != _LIST_SUFFIX:
        found = find_photos(queries if queries.is_dir() else [queries])
        if not found:
            raise InputError(f"{queries}: holds no photos; give a folder with some")
        given = intrinsics or Intrinsics()
        given.require_fit(list(found))
        return Queries(found, given)
    return _listed_queries(queries, intrinsics or Intrinsics(), root or queries.parent)


def _listed_queries(queries: Path, given: Intrinsics, root: Path) -> Queries:
    files: dict[str, Path] = {}
    cameras: dict[str, Camera] = {}
    for number, line in numbered_lines(queries):
        try:
            named = parse_camera_line(line)
        except ValueError as error:
            raise InputError(f"{queries}, line {number}: {shown(line)} is not a camera ({error})") from error
        name = line if named is None else named[0]
        files[name] = root / name
        if named is not None and cameras.setdefault(*named) != named[1]:
            raise InputError(f"{queries}, line {number}: {name} has another camera before; keep one of them")
    if not files:
        raise InputError(f"{queries}: lists no photos; write a path a line")
    given.require_fit(list(files))
    return Queries(files, replace(given, by_name={**cameras, **given.by_name}))
