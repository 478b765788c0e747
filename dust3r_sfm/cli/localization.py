"""`dust3r-sfm localize`: options to a config, the call, and a few lines on what came of it."""

from collections.abc import Iterable, Iterator

import numpy as np
from rich.console import Console

from dust3r_sfm.cli.compute import choose_regressor, regressor_config
from dust3r_sfm.cli.drawing import draw_progress
from dust3r_sfm.cli.options import Localize
from dust3r_sfm.errors import InputError, ReconstructionError
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm.io.intrinsics import read_intrinsics
from dust3r_sfm.io.outputs.own_files import check_spared, read_files
from dust3r_sfm.localization import LocalizationConfig, Reference, read_reference
from dust3r_sfm.pipeline.localization import (
    LocalizeConfig,
    Localized,
    Outputs,
    find_queries,
    localize_photos,
    prepare_reference,
)

_SHOWN = 10


def run_localize(command: Localize, console: Console) -> Iterator[str]:
    """Localizes, or only prepares where there are no queries, with progress on `console`; yields the lines
    of the summary. Raises ReconstructionError where no photo at all was localized."""
    outputs = _outputs(command)
    choice = choose_regressor(command.compute)
    config = localize_config(command, choice.name)
    quiet = command.files.quiet
    given = None if command.known.intrinsics is None else read_intrinsics(command.known.intrinsics)
    queries = None if command.queries is None else find_queries(command.queries, given)
    _check_lists_are_spared(command)
    reference = read_reference(command.reference, command.known.images)
    if choice.reason and not quiet:
        console.print(choice.reason)
    yield from _reference_lines(reference)
    with draw_progress(console, quiet) as progress:
        if queries is None:
            folder = prepare_reference(reference, config, command.known.prepare, progress)
            yield f"prepared, in {folder}"
            return
        localized = localize_photos(reference, queries, config, command.known.prepare, outputs, progress)
    yield from _summary(localized)
    if others := queries.passed_over:
        yield passed_over_line(others)
    if localized.num_localized == 0:
        raise ReconstructionError(
            f"none of {len(queries.files)} photos was localized; check that they show the place of "
            f"{command.reference}"
        )


def localize_config(command: Localize, regressor: str) -> LocalizeConfig:
    """The options as the library takes them. Raises InputError for those it cannot."""
    placing = command.pose
    if placing.top_k < 1:
        raise InputError(f"--top-k {placing.top_k}: give 1 or more")
    if placing.min_inliers < 4:
        raise InputError(f"--min-inliers {placing.min_inliers}: three fit anything; give 4 or more")
    if not 0 < placing.max_error < 1:
        raise InputError(f"--max-error {placing.max_error}: is a share of the long edge, say 0.008")
    settings = LocalizationConfig(
        top_k=placing.top_k,
        min_inliers=placing.min_inliers,
        max_error=placing.max_error,
        seed=command.compute.seed,
    )
    return LocalizeConfig(regressor_config(regressor, command.compute, "auto"), localization=settings)


def _outputs(command: Localize) -> Outputs:
    files = command.files
    wanted = Outputs(files.output, files.json, files.add_to_model, files.pictures)
    if command.queries is None and wanted != Outputs():
        raise InputError("nothing to write without QUERIES; give the photos to localize")
    if command.queries is not None and wanted == Outputs():
        raise InputError("where to? give --output, --json, --add-to-model or --pictures")
    return wanted


def _check_lists_are_spared(command: Localize) -> None:
    """Photos and references are looked at where they are read."""
    lists = [*read_files("--intrinsics", command.known.intrinsics)]
    if command.queries is not None and command.queries.is_file():
        lists.append(("QUERIES", command.queries))
    files = command.files
    for path in (files.output, files.json, files.add_to_model, files.pictures):
        if path is not None:
            check_spared(path, lists)


def _reference_lines(reference: Reference) -> Iterator[str]:
    points = len(reference.points.xyz)
    known = f"{points} points" if points else "no points of their own"
    yield f"{len(reference.photos)} reference photos, {known}"
    yield from _reasons("reference left out", reference.skipped.items())


def _summary(localized: Localized) -> Iterator[str]:
    found = [attempt.localization for attempt in localized.attempts if attempt.localization is not None]
    total = len(localized.attempts) + len(localized.unreadable)
    line = f"{len(found)} of {total} photos localized"
    if found:
        inliers = np.median([one.num_inliers for one in found])
        error_px = np.median([one.median_error_px for one in found])
        line += f", {inliers:.0f} inliers and {error_px:.2f} px in the median"
    yield line
    failed = [(a.name, a.reason or "") for a in localized.attempts if a.localization is None]
    yield from _reasons("not localized", [*localized.unreadable.items(), *failed])


def _reasons(what: str, reasons: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed = list(reasons)
    for name, reason in listed[:_SHOWN]:
        yield f"{what}: {name}: {reason}"
    if len(listed) > _SHOWN:
        yield f"{what}: {len(listed) - _SHOWN} more, see --json"
