"""Which photos are to be localized."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.files import search_photos
from dust3r_sfm.images.passed_over import passed_over_text
from dust3r_sfm.io.intrinsics import Intrinsics, parse_camera_line
from dust3r_sfm.io.photo_names import unusable_names
from dust3r_sfm.io.text_files import add_once, numbered_lines
from dust3r_sfm.io.values import quoted
from dust3r_sfm.types import Camera

_LIST_SUFFIX = ".txt"


@dataclass(frozen=True)
class Queries:
    """The photos to localize."""

    files: Mapping[str, Path]
    """Name -> file."""
    intrinsics: Intrinsics = field(default_factory=Intrinsics)
    """What is known of their cameras."""
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Name -> reason of those that cannot be used as they are called or coded."""
    passed_over: Mapping[str, str] = field(default_factory=dict)
    """What else lies in the folder, name -> what it is."""


def find_queries(queries: Path, intrinsics: Intrinsics | None = None, root: Path | None = None) -> Queries:
    """A folder of photos (with its sub-folders), one photo, or a text list: a path a line, as seen from
    `root` (or the list's folder), and behind it a camera if that is known (see `read_intrinsics`).
    Raises InputError for what is not there, and for cameras of which none is of a photo."""
    given = intrinsics or Intrinsics()
    if queries.suffix.lower() == _LIST_SUFFIX:
        found = _listed_queries(queries, given, root or queries.parent)
    else:
        found = _find_in_folder(queries, given)
    given.require_fit(list(found.files))
    return found


def _listed_queries(queries: Path, given: Intrinsics, root: Path) -> Queries:
    files: dict[str, Path] = {}
    cameras: dict[str, Camera] = {}
    for number, line in numbered_lines(queries):
        try:
            named = parse_camera_line(line)
        except ValueError as error:
            raise InputError(f"{queries}, line {number}: {quoted(line)} is not a camera ({error})") from error
        name = line if named is None else named[0]
        files[name] = root / name
        if named is not None:
            add_once(cameras, *named, f"{queries}, line {number}", "camera")
    if not files:
        raise InputError(f"{queries}: lists no photos; write a path a line")
    unusable = unusable_names(list(files))
    usable = {name: path for name, path in files.items() if name not in unusable}
    if not usable:
        raise InputError(f"{queries}: lists no photo that can be used ({passed_over_text(unusable)})")
    return Queries(usable, replace(given, by_name={**cameras, **given.by_name}), unusable)


def _find_in_folder(queries: Path, intrinsics: Intrinsics) -> Queries:
    found = search_photos(queries if queries.is_dir() else [queries])
    if not found.files:
        others = passed_over_text({**found.unusable, **found.passed_over})
        raise InputError(
            f"{queries}: holds no photos{f' ({others})' if others else ''}; give a folder with some"
        )
    return Queries(found.files, intrinsics, found.unusable, found.passed_over)
