"""Which photos are to be localized."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.files import find_photos
from dust3r_sfm.io.intrinsics import Intrinsics, intrinsics_lines, named_camera

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
    Raises InputError for what is not there."""
    if queries.suffix.lower() != _LIST_SUFFIX:
        files = find_photos(queries if queries.is_dir() else [queries])
        if not files:
            raise InputError(f"{queries}: holds no photos; give a folder with some")
        return Queries(files, intrinsics or Intrinsics())
    files, cameras = {}, {}
    for line in intrinsics_lines(queries):
        found = named_camera(line)
        name = line if found is None else found[0]
        files[name] = (root or queries.parent) / name
        if found is not None:
            cameras[name] = found[1]
    if not files:
        raise InputError(f"{queries}: lists no photos; write a path a line")
    given = intrinsics or Intrinsics()
    return Queries(files, replace(given, by_name={**cameras, **given.by_name}))
