"""The output folder of a run: refused, or filled at the end. While a run lasts, only OUT/.work is there."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.atomic import remove
from dust3r_sfm.io.outputs.locks import check_free
from dust3r_sfm.io.outputs.room import describe_os_error

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

WORK = ".work"
RECORD = "run.json"
LOCK = "lock"


class Existing(str, Enum):
    """What to do with an output folder that holds something already."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    RESUME = "resume"


def is_unfinished(output: Path) -> bool:
    """Whether the folder holds a run that RESUME would continue."""
    return (output / WORK / RECORD).exists()


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
        check_free(output / WORK / LOCK, output)
        check_existing(output, existing, held)


def check_file(file: Path) -> None:
    """The same of a file, which is replaced if it is there."""
    with as_output_error(file):
        if file.is_dir():
            raise OutputError(f"{file}: is a folder; name a file")
        if file.exists() and not file.is_file():
            raise OutputError(f"{file}: is a device or a pipe; name a file")
        _check_parent(file)


def _check_parent(output: Path) -> None:
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise OutputError(f"{output}: cannot be made, {parent} is a file; choose another folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{output}: cannot be made in {parent} (no permission); choose another folder")


def check_existing(output: Path, existing: Existing, held: Sequence[str]) -> None:
    """Raises OutputError where the user has not allowed what is going to become of what the folder holds."""
    unfinished = WORK in held
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


def publish(results: Path, output: Path) -> None:
    """Moves what `results` holds into OUT; former results step aside first and are then removed."""
    former = output / WORK / "former"
    with as_output_error(output):
        remove(former)
        former.mkdir()
        for name in RESULTS:
            if (output / name).exists():
                (output / name).rename(former / name)
            if (results / name).exists():
                (results / name).rename(output / name)
        remove(former)


@contextmanager
def as_output_error(output: Path, needed_bytes: int | None = None) -> Iterator[None]:
    """Turns what the file system refuses below `output` into an OutputError, which for a full disk says how
    much room there is, and how much is needed."""
    try:
        yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else output
        raise OutputError(f"{where}: {describe_os_error(error, where, needed_bytes)}") from error
