"""What a command reads, it never writes over."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.io.colmap_model import model_folders

_RESULTS = ("scene.npz", "report.json", "report.html", "points.ply", "scene.glb", "transforms.json")
"""Beside a model, in folders that reconstruct and nerfstudio's command write."""


def check_spared(output: Path, inputs: Iterable[tuple[str, Path]]) -> None:
    """Raises OutputError where writing `output` would replace or delete one of the inputs, or a folder that
    it is in. `inputs`: what each is called, and its file or folder."""
    here = _identity(output)
    if here is None:
        return
    seen: dict[Path, bool] = {}

    def is_output_or_below(path: Path) -> bool:
        if path not in seen:
            seen[path] = _identity(path) == here or (path != path.parent and is_output_or_below(path.parent))
        return seen[path]

    for what, path in inputs:
        # A link is lost where it lies, and what it leads to where that is.
        if is_output_or_below(Path(os.path.abspath(path))) or is_output_or_below(
            Path(os.path.realpath(path))
        ):
            holds = "is" if _identity(path) == here else "holds"
            raise OutputError(
                f"{output}: {holds} {what} ({path}), which would be replaced; choose another output"
            )


def check_apart(outputs: Mapping[str, Path | None]) -> None:
    """Raises OutputError where two outputs are one, or one lies in the other. `outputs`: by option."""
    given = [(name, Path(os.path.realpath(path))) for name, path in outputs.items() if path is not None]
    for index, (name, path) in enumerate(given):
        for other, place in given[:index]:
            if path.is_relative_to(place) or place.is_relative_to(path):
                raise OutputError(
                    f"{name} {outputs[name]}: would be written over {other} {outputs[other]}; "
                    "choose two outputs apart from each other"
                )


def read_files(what: str, place: Path | None) -> Iterator[tuple[str, Path]]:
    """Of a model, a list or a reconstruction that is read: the file itself, or of a folder its COLMAP model's
    files and what lies beside them. Nothing for None."""
    if place is None:
        return
    if not place.is_dir():
        yield what, place
        return
    yield from files_beside(what, place)
    # A damaged one is refused where it is read.
    with suppress(InputError, OSError):
        # The reader says which of several it takes; here nothing is said.
        for model in model_folders(place)[:1]:
            yield from ((what, path) for path in sorted(model.iterdir()) if path.is_file())


def files_beside(what: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """What reconstruct or nerfstudio's command wrote into a folder, beside the model."""
    yield from ((what, folder / name) for name in _RESULTS if (folder / name).exists())


def _identity(path: Path) -> tuple[int, int] | None:
    """None where there is nothing. Two spellings of one file are one, also where letters' case does not
    count."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
