"""The work folder of a run, OUT/.work: begun, locked, resumed, tidied.

It holds the record of what the run was made from, the caches of inference, and finally the results, which are
moved into OUT when all of them are there. One run at a time works there.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from dust3r_sfm.errors import InputError, OutputError, ReconstructionError
from dust3r_sfm.images.passed_over import first_names
from dust3r_sfm.io.atomic import remove, write_atomically
from dust3r_sfm.io.outputs.locks import take_lock
from dust3r_sfm.io.text_files import read_json
from dust3r_sfm.pipeline.output import LOCK, RECORD, WORK, Existing, as_output_error, check_existing

_SHOWN = 3


@dataclass(frozen=True)
class RunRecord:
    """What a run was made from: name -> content of each photo, option -> its value as text."""

    photos: dict[str, str]
    options: dict[str, str]


@contextmanager
def work_folder(output: Path, existing: Existing, record: RunRecord, keep: bool) -> Iterator[Path]:
    """OUT/.work for as long as the block runs: begun anew, or that of an unfinished equal run.

    Removed (unless `keep`) when the block ends well or no model comes of these photos; kept for a
    resume when anything else ends it.
    Raises OutputError when another run works there, when the run to be resumed was made from other photos or
    options, and for links: what they lead to is the user's.
    """
    work = output / WORK
    with as_output_error(output):
        if existing is not Existing.OVERWRITE:
            _check_no_links(work)
        elif work.is_symlink():
            work.unlink()
        lock = take_lock(work / LOCK, output)
    try:
        with as_output_error(output):
            _begin(output, existing, record)
        try:
            yield work
        except ReconstructionError:
            if not keep:
                _discard(output)
            raise
        if not keep:
            _discard(output)
    finally:
        lock.release()
        _remove_if_empty(work, output)


def _begin(output: Path, existing: Existing, record: RunRecord) -> None:
    """What `check_output` found may have changed while another run held the lock."""
    work = output / WORK
    is_unfinished = (work / RECORD).exists()
    held = sorted(path.name for path in output.iterdir() if path.name != WORK or is_unfinished)
    if held:
        check_existing(output, existing, held)
    if existing is not Existing.RESUME:
        _clear(work, but=(LOCK,))
    elif is_unfinished:
        _check_same_run(work / RECORD, record)
    with write_atomically(work / RECORD, replace=True) as partial:
        partial.write_text(json.dumps(asdict(record), indent=1, sort_keys=True), encoding="utf-8")


def _check_no_links(work: Path) -> None:
    """Files are written and deleted in all of it."""
    below = (Path(folder, name) for folder, *names in os.walk(work) for name in (*names[0], *names[1]))
    for path in chain([work], below):
        if path.is_symlink():
            raise OutputError(
                f"{path}: is a link, which a run does not follow; remove it, or start anew with --overwrite"
            )


def _discard(output: Path) -> None:
    """Empties OUT/.work, its record last so that a kill in between can be resumed."""
    work = output / WORK
    with as_output_error(output):
        _clear(work, but=(RECORD, LOCK))
        remove(work / RECORD)


def _clear(work: Path, but: Sequence[str]) -> None:
    for path in work.iterdir():
        if path.name not in but:
            remove(path)


def _remove_if_empty(*folders: Path) -> None:
    """The current folder and mount points cannot go, and need not."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


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
    return "; ".join(f"{verb}: {first_names(names, _SHOWN)}" for verb, names in changes.items() if names)
