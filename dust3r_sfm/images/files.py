"""Which files are photos, what they are called, and which mask belongs to which."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from dust3r_sfm.errors import InputError

HEIC_SUFFIXES = frozenset({".heic", ".heif"})
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"}) | HEIC_SUFFIXES


def find_photos(source: Path | Sequence[Path], masks: Path | None = None) -> dict[str, Path]:
    """Unique name -> file. A folder is searched with its sub-folders, without hidden ones and `masks`,
    and sorted by name: the path below the folder, with slashes. A list keeps its order; its names
    are the paths below the files' common parent, and a file listed twice counts once.

    Raises InputError for a folder or file that is missing.
    """
    if not isinstance(source, Path):
        return _name_paths(source)
    if not source.is_dir():
        problem = "is a file: give the folder of the photos" if source.is_file() else "does not exist"
        raise InputError(f"{source}: {problem}")
    if masks is not None and masks.resolve() == source.resolve():
        raise InputError(f"{masks}: photos and masks are in one folder; move the masks to one of their own")
    return _files_below(source, exclude=masks)


def match_masks(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Photo name -> its mask, for those that have one: the photo's name with another picture suffix
    added (COLMAP's `a.jpg.png`), the same name, or the same with another suffix, in that order.

    Raises InputError if the folder is missing or holds no mask of any of the photos.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: the folder of masks does not exist")
    files = _files_below(folder)
    by_stem = {_stem(name): path for name, path in files.items()}
    found = {name: by_stem.get(name) or files.get(name) or by_stem.get(_stem(name)) for name in names}
    matched = {name: path for name, path in found.items() if path is not None}
    if not matched:
        raise InputError(
            f"{folder}: none of its {len(files)} pictures has the name of a photo; "
            "call the mask of a/b.jpg a/b.png or a/b.jpg.png"
        )
    return matched


def _name_paths(paths: Sequence[Path]) -> dict[str, Path]:
    if not paths:
        raise InputError("no photos were given; give a folder, or two photos at least")
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: {'is a folder, not a photo' if path.is_dir() else 'no such photo'}")
    absolute = [Path(os.path.abspath(path)) for path in paths]
    parent = os.path.commonpath([path.parent for path in absolute])
    return {path.relative_to(parent).as_posix(): path for path in absolute}


def _files_below(folder: Path, exclude: Path | None = None) -> dict[str, Path]:
    excluded = None if exclude is None else exclude.resolve()
    found: dict[str, Path] = {}
    for parent, subfolders, files in os.walk(folder):
        # os.walk goes on only into what is left in the list it gave.
        subfolders[:] = [
            name for name in subfolders if name[0] != "." and Path(parent, name).resolve() != excluded
        ]
        for path in (Path(parent, name) for name in files if name[0] != "."):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items()))


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()
