"""`dust3r-sfm localize`: options to a config, the call, and what came of it."""

from collections.abc import Iterable, Iterator

import numpy as np

from dust3r_sfm.cli.compute import choose_regressor, regressor_config
from dust3r_sfm.cli.options import Localize
from dust3r_sfm.cli.options.localize import PoseOutputs
from dust3r_sfm.cli.reporting import Planned, Reporter, Summary
from dust3r_sfm.cli.reporting.messages import Fact
from dust3r_sfm.errors import InputError, ReconstructionError
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm.io.intrinsics import read_intrinsics
from dust3r_sfm.io.outputs.own_files import check_spared, read_files
from dust3r_sfm.localization import LocalizationConfig, Reference, read_reference
from dust3r_sfm.pipeline.localization import (
    LocalizeConfig,
    Localized,
    Outputs,
    Queries,
    find_queries,
    localize_photos,
    prepare_reference,
)
from dust3r_sfm.pipeline.localization.outputs import check_outputs

_SHOWN = 10


def run_localize(command: Localize, reporter: Reporter) -> None:
    """Localizes, or only prepares where there are no queries. Raises ReconstructionError where no photo at
    all was localized."""
    outputs = _outputs(command)
    choice = choose_regressor(command.compute)
    config = localize_config(command, choice.name)
    given = None if command.known.intrinsics is None else read_intrinsics(command.known.intrinsics)
    queries = None if command.queries is None else find_queries(command.queries, given)
    _check_lists_are_spared(command)
    reference = read_reference(command.reference, command.known.images)
    if queries is not None:
        # Before anything is said, as all that can be known beforehand.
        check_outputs(outputs, reference, queries.files)
    if choice.reason:
        reporter.remark(choice.reason)
    reporter.announce(_planned(reference, queries))
    if queries is None:
        folder = prepare_reference(reference, config, command.known.prepare, reporter.progress)
        reporter.conclude(Summary((f"prepared, in {folder}",), {"prepared": str(folder)}))
        return
    localized = localize_photos(reference, queries, config, command.known.prepare, outputs, reporter.progress)
    reporter.conclude(_summary(localized, queries, command.files))
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


def _planned(reference: Reference, queries: Queries | None) -> Planned:
    points, photos = len(reference.points.xyz), len(reference.photos)
    line = f"{photos} reference photos, {f'{points} points' if points else 'no points of their own'}"
    facts: dict[str, Fact] = {"references": photos, "points": points, "skipped": dict(reference.skipped)}
    if queries is not None:
        line += f"; {len(queries.files)} photos to localize"
        facts["images"] = len(queries.files)
    return Planned((line, *_reasons("reference left out", reference.skipped.items())), facts)


def _summary(localized: Localized, queries: Queries, files: PoseOutputs) -> Summary:
    found = [attempt.localization for attempt in localized.attempts if attempt.localization is not None]
    total = len(localized.attempts) + len(localized.unreadable)
    line = f"{len(found)} of {total} photos localized"
    facts: dict[str, Fact] = {"images": total, "localized": len(found)}
    if found:
        inliers = float(np.median([one.num_inliers for one in found]))
        error_px = float(np.median([one.median_error_px for one in found]))
        line += f", {inliers:.0f} inliers and {error_px:.2f} px in the median"
        facts |= {"median_inliers": inliers, "median_error_px": error_px}
    failed = {
        attempt.name: attempt.reason or "" for attempt in localized.attempts if not attempt.localization
    }
    left_out = {**localized.unreadable, **failed}
    written = (files.output, files.json, files.add_to_model, files.pictures)
    others = (passed_over_line(queries.passed_over),) if queries.passed_over else ()
    return Summary(
        (line, *_reasons("not localized", left_out.items()), *others),
        {**facts, "left_out": left_out, "files": [str(path) for path in written if path is not None]},
    )


def _reasons(what: str, reasons: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed = list(reasons)
    for name, reason in listed[:_SHOWN]:
        yield f"{what}: {name}: {reason}"
    if len(listed) > _SHOWN:
        yield f"{what}: {len(listed) - _SHOWN} more, see --json"
