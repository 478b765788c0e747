"""Which files are photos, what they are called, which mask belongs to which, and what becomes of the rest."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import kinds
from dust3r_sfm.io.photo_names import natural_key, unusable_names


@dataclass(frozen=True)
class FoundPhotos:
    """Every file of a folder or list, under the name that it has there."""

    files: dict[str, Path]
    """Photos."""
    unusable: dict[str, str] = field(default_factory=dict)
    """Pictures that cannot be used as they are called or coded -> why."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """What else lies there -> what it is. A folder that is passed over whole has a slash behind it."""


def find_photos(source: Path | Sequence[Path], masks: Path | None = None) -> dict[str, Path]:
    """The photos of `search_photos`."""
    return search_photos(source, masks).files


def search_photos(source: Path | Sequence[Path], masks: Path | None = None) -> FoundPhotos:
    """A folder is searched with its sub-folders, linked ones too, without hidden ones, those of the system
    and `masks`, in natural order (2 before 10) of the names: the paths below the folder, with slashes. A list
    keeps its order; its names are the paths below the files' common parent, and a file listed twice counts
    once.

    Raises InputError for a folder or file that is missing.
    """
    if not isinstance(source, Path):
        return _usable(_name_paths(source), {})
    if not source.is_dir():
        problem = "is a file: give the folder of the photos" if source.is_file() else "does not exist"
        raise InputError(f"{source}: {problem}")
    if masks is not None and masks.resolve() == source.resolve():
        raise InputError(f"{masks}: photos and masks are in one folder; move the masks to one of their own")
    return _usable(*_sorted_out(source, exclude=masks))


@dataclass(frozen=True)
class FoundMasks:
    """`files`: photo name -> its mask. `strays`: name of a picture there that is the mask of no photo."""

    files: dict[str, Path]
    strays: tuple[str, ...]


def match_masks(folder: Path, names: Iterable[str]) -> FoundMasks:
    """A photo's mask has the photo's name with another picture suffix added (COLMAP's `a.jpg.png`), the same
    name, or the same with another suffix, in that order.

    Raises InputError if the folder is missing or holds no mask of any of the photos.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: the folder of masks does not exist")
    files, _ = _sorted_out(folder)
    by_stem = {_stem(name): path for name, path in files.items()}
    found = {name: by_stem.get(name) or files.get(name) or by_stem.get(_stem(name)) for name in names}
    matched = {name: path for name, path in found.items() if path is not None}
    if not matched:
        raise InputError(
            f"{folder}: none of its {len(files)} pictures has the name of a photo; "
            "call the mask of a/b.jpg a/b.png or a/b.jpg.png"
        )
    used = set(matched.values())
    return FoundMasks(matched, tuple(name for name, path in files.items() if path not in used))


def _name_paths(paths: Sequence[Path]) -> dict[str, Path]:
    if not paths:
        raise InputError("no photos were given; give a folder, or two photos at least")
    for path in paths:
        require_file(path)
    absolute = [Path(os.path.abspath(path)) for path in paths]
    parent = os.path.commonpath([path.parent for path in absolute])
    return {path.relative_to(parent).as_posix(): path for path in absolute}


def require_file(path: Path) -> None:
    """Raises InputError for what is there as something else, or not at all."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a photo")
    if not path.exists():
        raise InputError(f"{path}: no such photo")
    if not path.is_file():
        raise InputError(f"{path}: is a device or a pipe; give a photo")


def _usable(files: Mapping[str, Path], others: Mapping[str, str]) -> FoundPhotos:
    """Sorts out what cannot be used as it is called, and raw data that nothing stands for."""
    unusable = unusable_names(list(files))
    stems = {_stem(name) for name in files}
    passed_over = {}
    for name, reason in others.items():
        if reason == kinds.RAW and _stem(name) in stems:
            passed_over[name] = kinds.RAW_OF_PHOTO
        elif reason in (kinds.RAW, kinds.UNREAD):
            unusable[name] = reason
        else:
            passed_over[name] = reason
    return FoundPhotos({n: p for n, p in files.items() if n not in unusable}, unusable, passed_over)


def _sorted_out(folder: Path, exclude: Path | None = None) -> tuple[dict[str, Path], dict[str, str]]:
    """Pictures below `folder`, and of everything else what it is; both in natural order."""
    found: dict[str, Path] = {}
    others: dict[str, str] = {}
    for name, path, reason in _entries_below(folder, exclude):
        if reason is None:
            found[name] = path
        else:
            others[name] = reason
    return (
        dict(sorted(found.items(), key=lambda item: natural_key(item[0]))),
        dict(sorted(others.items(), key=lambda item: natural_key(item[0]))),
    )


def _entries_below(folder: Path, exclude: Path | None) -> Iterator[tuple[str, Path, str | None]]:
    """Name, path, and why it is no photo, None where it is one; `exclude` is left out."""
    skipped = None if exclude is None else exclude.resolve()
    seen: set[Path] = set()
    # Linked folders come last, so that what is there itself has its own name.
    folders, links = [folder], list[Path]()
    while folders or links:
        parent = folders.pop() if folders else links.pop(0)
        name, place = parent.relative_to(folder).as_posix(), parent.resolve()
        if (reason := _why_not_searched(parent, folder, place in seen)) is not None:
            yield f"{name}/", parent, reason
            continue
        seen.add(place)
        try:
            entries = sorted(parent.iterdir())
        except OSError as error:
            yield f"{name}/", parent, f"cannot be read ({error.strerror})"
            continue
        for path in entries:
            if not path.is_dir():
                yield path.relative_to(folder).as_posix(), path, _why_no_photo(path)
            elif path.resolve() != skipped:
                (links if path.is_symlink() else folders).append(path)


def _why_not_searched(path: Path, top: Path, was_seen: bool) -> str | None:
    if path == top:
        return None
    if path.name.startswith("."):
        return kinds.HIDDEN
    if path.name.lower() in kinds.SYSTEM_FOLDERS:
        return kinds.SYSTEM
    if path.is_symlink() and top.resolve().is_relative_to(path.resolve()):
        return "a link to a folder that this one is in"
    return "a link to a folder that is searched already" if was_seen else None


def _why_no_photo(path: Path) -> str | None:
    if path.name.startswith("."):
        return kinds.HIDDEN
    if not kinds.is_photo(path):
        return kinds.why_not_read(path)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if stat.S_ISREG(mode) else "no file but a device or pipe"


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()
