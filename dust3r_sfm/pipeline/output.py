"""The output folder of a run: refused, begun, resumed, filled at the end, tidied.

While a run lasts, only OUT/.work exists of it: the record of what it was made from, the caches of
inference, and finally the results, which are moved into OUT when all of them are there.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from dust3r_sfm.errors import InputError, OutputError, ReconstructionError
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.text_files import read_json

RESULTS = (
    "sparse",
    "points.ply",
    "scene.glb",
    "depth",
    "scene.npz",
    "components",
    "report.json",
    "report.html",
)
"""All that a run puts into its output folder, and all it ever takes away there."""

_WORK = ".work"
_RECORD = "run.json"
_SHOWN = 3


class Existing(str, Enum):
    """What to do with an output folder that holds something already."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    RESUME = "resume"


@dataclass(frozen=True)
class RunRecord:
    """What a run was made from: name -> content of each photo, option -> its value as text."""

    photos: dict[str, str]
    options: dict[str, str]


def is_unfinished(output: Path) -> bool:
    """Whether the folder holds a run that RESUME would continue."""
    return (output / _WORK / _RECORD).exists()


def check_output(output: Path, existing: Existing, photos: Path | Sequence[Path]) -> None:
    """Raises OutputError for what can be known before any work; creates nothing."""
    photo_folder = photos if isinstance(photos, Path) and photos.is_dir() else None
    if photo_folder is not None and output.resolve().is_relative_to(photo_folder.resolve()):
        raise OutputError(
            f"{output}: lies in the photo folder {photo_folder}, where its pictures would be taken "
            "for photos; choose a folder outside it"
        )
    with as_output_error(output):
        if not output.exists():
            _check_parent(output)
            return
        if not output.is_dir():
            raise OutputError(f"{output}: is a file; name a folder that does not exist yet")
        if not os.access(output, os.W_OK | os.X_OK):
            raise OutputError(f"{output}: cannot be written to (no permission); choose another folder")
        held = sorted(path.name for path in output.iterdir())
    if held:
        _check_existing(output, existing, held)


def check_file(file: Path) -> None:
    """The same of a file, which is replaced if it is there."""
    with as_output_error(file):
        if file.is_dir():
            raise OutputError(f"{file}: is a folder; name a file")
        _check_parent(file)


def _check_parent(output: Path) -> None:
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise OutputError(f"{output}: cannot be made, {parent} is a file; choose another folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: cannot be made in {parent} (no permission); choose another folder")


def _check_existing(output: Path, existing: Existing, held: Sequence[str]) -> None:
    unfinished = _WORK in held
    if existing is Existing.REFUSE and unfinished:
        raise OutputError(
            f"{output}: holds an unfinished run; continue it with --resume or start anew with --overwrite"
        )
    if existing is Existing.REFUSE:
        raise OutputError(
            f"{output}: is not empty; choose another folder or replace its results with --overwrite"
        )
    if existing is Existing.RESUME and not unfinished:
        raise OutputError(f"{output}: holds no unfinished run to resume; start anew with --overwrite")


@contextmanager
def work_folder(output: Path, existing: Existing, record: RunRecord, keep: bool) -> Iterator[Path]:
    """OUT/.work for as long as the block runs: begun anew, or that of an unfinished equal run.

    Removed (unless `keep`) when the block ends well or no model comes of these photos; kept for a
    resume when anything else ends it.
    Raises OutputError when the run to be resumed was made from other photos or options.
    """
    work = output / _WORK
    with as_output_error(output):
        if existing is not Existing.RESUME:
            _remove(work)
        elif (work / _RECORD).exists():
            _check_same_run(work / _RECORD, record)
        work.mkdir(parents=True, exist_ok=True)
        with write_atomically(work / _RECORD, replace=True) as partial:
            partial.write_text(json.dumps(asdict(record), indent=1, sort_keys=True), encoding="utf-8")
    try:
        yield work
    except ReconstructionError:
        if not keep:
            _discard(output)
        raise
    if not keep:
        _discard(output)


def _discard(output: Path) -> None:
    """Removes OUT/.work, its record last so that a kill in between can be resumed, and OUT if empty."""
    work = output / _WORK
    with as_output_error(output):
        for path in work.iterdir():
            if path.name != _RECORD:
                _remove(path)
        _remove(work)
        if not any(output.iterdir()):
            # The current folder and mount points cannot go, and need not.
            with suppress(OSError):
                output.rmdir()


def publish(results: Path, output: Path) -> None:
    """Moves what `results` holds into OUT; former results step aside first and are then removed."""
    former = output / _WORK / "former"
    with as_output_error(output):
        _remove(former)
        former.mkdir()
        for name in RESULTS:
            if (output / name).exists():
                (output / name).rename(former / name)
            if (results / name).exists():
                (results / name).rename(output / name)
        _remove(former)


def _read_record(path: Path) -> RunRecord:
    try:
        written = read_json(path)
    except InputError as error:
        raise OutputError(f"{path}: is damaged; start anew with --overwrite") from error
    parts = [written.get(part) for part in ("photos", "options")] if isinstance(written, dict) else [None]
    if not all(isinstance(part, dict) and all(map(_is_text, part.values())) for part in parts):
        raise OutputError(f"{path}: is damaged; start anew with --overwrite")
    return RunRecord(*parts)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _check_same_run(path: Path, record: RunRecord) -> None:
    stored = _read_record(path)
    for what, before, now in (
        ("photos", stored.photos, record.photos),
        ("options", stored.options, record.options),
    ):
        if before != now:
            raise OutputError(
                f"{path.parent.parent}: the unfinished run there was made from other {what} "
                f"({_difference(before, now)}); resume with the same ones, or start anew with --overwrite"
            )


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What was added, removed and changed, the first few of each."""
    changes = {
        "added": sorted(now.keys() - before.keys()),
        "missing": sorted(before.keys() - now.keys()),
        "changed": sorted(key for key in before.keys() & now.keys() if before[key] != now[key]),
    }
    return "; ".join(f"{verb}: {_first(names)}" for verb, names in changes.items() if names)


def _first(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def as_output_error(output: Path) -> Iterator[None]:
    """Turns what the file system refuses below `output` into an OutputError."""
    try:
        yield
    except OSError as error:
        where = error.filename or output
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "free space or choose another output" if full else "choose another output"
        raise OutputError(f"{where}: {error.strerror or error}; {remedy}") from error
