"""The files that localization writes."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.outputs.colmap_writing import write_binary_model
from dust3r_sfm.io.outputs.own_files import check_apart, check_spared, files_beside, read_files
from dust3r_sfm.localization import Attempt, Reference, ReferenceMap
from dust3r_sfm.localization.model_extension import extend_model
from dust3r_sfm.localization.output import diagnostics, poses_text
from dust3r_sfm.localization.pictures import match_picture
from dust3r_sfm.pipeline.localization.choices import Outputs
from dust3r_sfm.pipeline.output import as_output_error, check_file
from dust3r_sfm.types import View

_OF_A_MODEL = re.compile(r"(cameras|images|points3D|rigs|frames)\.(bin|txt)")
_OF_PICTURES = re.compile(r"\d{5}_.*\.jpg")
"""Names of files in folders that may be replaced."""


@dataclass(frozen=True)
class Localized:
    """What became of all photos."""

    attempts: tuple[Attempt, ...]
    """Of those that could be read."""
    unreadable: Mapping[str, str]
    """Of the others, name -> reason."""

    @property
    def num_localized(self) -> int:
        return sum(attempt.localization is not None for attempt in self.attempts)


def check_outputs(outputs: Outputs, reference: Reference, queries: Mapping[str, Path]) -> None:
    """Raises OutputError for what can be known before any work."""
    written = {
        "--output": outputs.poses,
        "--json": outputs.diagnostics,
        "--add-to-model": outputs.model,
        "--pictures": outputs.pictures,
    }
    check_apart(written)
    inputs = [
        *(("a photo to localize", path) for path in queries.values()),
        *(("a reference photo", photo.path) for photo in reference.photos),
        ("the reference", reference.source),
        *files_beside("a file of the reference", reference.source),
        *read_files("a file of the reference", reference.model),
    ]
    for path in written.values():
        if path is not None:
            check_spared(path, inputs)
    for file in (outputs.poses, outputs.diagnostics):
        if file is not None:
            check_file(file)
    _check_ours(outputs.model, _OF_A_MODEL)
    _check_ours(outputs.pictures, _OF_PICTURES)


@contextmanager
def pictures_folder(outputs: Outputs) -> Iterator[Path | None]:
    """Takes its place when the block ends well. None where no pictures are wanted."""
    with _write_folder(outputs.pictures, _OF_PICTURES) as pictures:
        yield pictures


def draw_picture(attempt: Attempt, view: View, prepared: ReferenceMap, folder: Path, number: int) -> None:
    """Of the photo with this number. Raises OutputError where it cannot be written."""
    file = folder / _picture_name(number, view.name)
    with as_output_error(file):
        match_picture(attempt, view, prepared).save(file, quality=90)


def _picture_name(number: int, name: str) -> str:
    """Flat: a name in a list may lead anywhere."""
    return f"{number:05d}_{PureWindowsPath(name).name}.jpg"


def write_outputs(
    localized: Localized, reference: Reference, prepared: ReferenceMap, outputs: Outputs
) -> None:
    """All but the pictures. Raises OutputError, and InputError for reference photos that are gone."""
    attempts = localized.attempts
    write_diagnostics(localized, outputs)
    if outputs.poses is not None:
        _write_text(outputs.poses, poses_text(attempts))
    # Last, as it reads the reference photos again, which may be gone by now.
    if outputs.model is not None and localized.num_localized:
        model = extend_model(reference, prepared, attempts)
        with _write_folder(outputs.model, _OF_A_MODEL) as folder:
            assert folder is not None
            write_binary_model(model, folder)


def write_diagnostics(localized: Localized, outputs: Outputs) -> None:
    """The JSON of all figures, where it is wanted. Raises OutputError."""
    if outputs.diagnostics is not None:
        facts = diagnostics(localized.attempts, dict(localized.unreadable))
        _write_text(outputs.diagnostics, json.dumps(facts, indent=1, allow_nan=False) + "\n")


@contextmanager
def _write_folder(target: Path | None, ours: re.Pattern[str]) -> Iterator[Path | None]:
    """A folder that appears, or is replaced, when the block ends well; None stays None."""
    if target is None:
        yield None
        return
    _check_ours(target, ours)
    with as_output_error(target), write_atomically(target, replace=True) as partial:
        partial.mkdir()
        yield partial


def _check_ours(target: Path | None, ours: re.Pattern[str]) -> None:
    """Refuses a folder that holds what a former run of the same kind cannot have written."""
    held = sorted(path.name for path in target.iterdir()) if target is not None and target.is_dir() else []
    if strange := next((name for name in held if not ours.fullmatch(name)), None):
        raise OutputError(f"{target}: holds {strange}, which would be deleted; choose another folder")


def _write_text(file: Path, text: str) -> None:
    with as_output_error(file), write_atomically(file, replace=True) as partial:
        partial.write_text(text, encoding="utf-8")
