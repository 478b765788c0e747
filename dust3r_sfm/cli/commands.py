"""What the commands do: options to configs, the call, and what came of it."""

import shlex

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.cli.compute import choose_regressor, regressor_config
from dust3r_sfm.cli.options import Example, Reconstruct
from dust3r_sfm.cli.options.library import points_of
from dust3r_sfm.cli.reconstruction_summary import summary_of_run
from dust3r_sfm.cli.reporting import Planned, Reporter, Step, Summary
from dust3r_sfm.errors import InputError, OutputError, WeakModelError
from dust3r_sfm.exporters.config import ColmapExport, ReportPageConfig
from dust3r_sfm.exporters.report import library_versions
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.pipeline import Existing, ExportConfig, Plan, ReconstructConfig, reconstruct_all
from dust3r_sfm.pipeline.known.config import KnownCameras, KnownDistance, KnownWorld
from dust3r_sfm.pipeline.output import as_output_error, is_unfinished
from dust3r_sfm.synthetic.example import write_example
from dust3r_sfm.types import Verdict
from dust3r_sfm.view_graph import parse_graph

_SMALLEST_WIDTH = 64


def run_reconstruct(command: Reconstruct, typed: str, reporter: Reporter) -> None:
    """Reconstructs. `typed` is the command line, for the report. Raises WeakModelError of a model that was
    written and is weak."""
    choice = choose_regressor(command.compute)
    config = reconstruct_config(command, choice.name)
    with as_output_error(command.out):
        resumes = command.output.resume and is_unfinished(command.out)

    def say(plan: Plan) -> None:
        if choice.reason:
            reporter.remark(choice.reason)
        if command.output.resume and not resumes:
            reporter.remark(f"{command.out}: holds no unfinished run; this one begins anew")
        reporter.announce(planned_run(plan))

    reconstruction = reconstruct_all(
        command.photos,
        config,
        command.out,
        reporter.progress,
        existing=_existing(command),
        keep_work=command.output.keep_work,
        on_plan=say,
        command=typed,
    )
    reporter.conclude(summary_of_run(reconstruction, config, command.out))
    largest = reconstruction.scenes[0].report
    if largest.unplaced:
        raise WeakModelError(f"{command.out}: the model is in a unit of its own: {largest.unplaced}")
    if largest.verdict is Verdict.WEAK:
        raise WeakModelError(f"{command.out}: the model is weak: {largest.verdict_reason}")


def planned_run(plan: Plan) -> Planned:
    skipped = tuple(f"skipped {name}: {reason}" for name, reason in plan.skipped.items())
    return Planned(
        (*skipped, str(plan)),
        {
            "images": plan.num_images,
            "pairs": plan.num_pairs,
            "regressor": plan.regressor,
            "expected_s": plan.expected_s,
            "most_more_s": plan.most_more_s,
            "expected_bytes": plan.expected_bytes,
            "skipped": dict(plan.skipped),
        },
    )


def reconstruct_config(command: Reconstruct, regressor: str) -> ReconstructConfig:
    """The options as the library takes them, with the regressor of this name or path. Raises InputError
    for those it cannot."""
    budget = points_of(command.output.max_points)
    if budget is not None and budget < 0:
        raise InputError(f"--max-points {budget}: give 0 or more")
    if command.photo.fast_above < 0:
        raise InputError(f"--fast-above {command.photo.fast_above}: give 0 or more")
    cameras, seed = command.photo.cameras, command.compute.seed
    return ReconstructConfig(
        regressor=regressor_config(regressor, command.compute, cameras),
        graph=parse_graph(command.photo.pairs),
        alignment=AlignmentConfig(cameras=cameras, seed=seed),
        export=ExportConfig(
            colmap=ColmapExport(max_points=budget),
            report_page=None if command.output.no_report_html else ReportPageConfig(),
        ),
        masks=command.photo.masks,
        known=KnownCameras(command.known.focal, command.known.known_cameras, command.known.known_poses),
        world=KnownWorld(
            command.known.positions,
            command.known.gps,
            None if command.known.distance is None else KnownDistance(*command.known.distance),
        ),
        gradient=GradientConfig() if command.solving.alignment == "gradient" else None,
        max_memory_gib=command.solving.max_memory,
        fast_above=command.photo.fast_above,
        up=command.output.up,
        sky=command.output.sky,
        seed=seed,
    )


def _existing(command: Reconstruct) -> Existing:
    if command.output.overwrite and command.output.resume:
        raise InputError("--overwrite and --resume exclude each other: start anew, or continue?")
    if command.output.overwrite:
        return Existing.OVERWRITE
    return Existing.RESUME if command.output.resume else Existing.REFUSE


def run_example(command: Example, reporter: Reporter) -> None:
    """Writes the example set, whole or not at all."""
    if command.count < 2:
        raise InputError(f"--count {command.count}: a reconstruction needs 2 photos or more")
    if command.width < _SMALLEST_WIDTH:
        raise InputError(f"--width {command.width}: give {_SMALLEST_WIDTH} or more")
    out = command.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out}: is not empty; choose another folder for the example")
    height = command.width * 3 // 4
    reporter.announce(
        Planned(
            (f"{command.count} photos of {command.width}x{height} pixels",),
            {"images": command.count, "width": command.width, "height": height},
        )
    )
    with as_output_error(out), write_atomically(out, replace=True) as partial:
        write_example(partial, command.count, command.width, height, command.seed, reporter.progress)
    reporter.conclude(_example_summary(command))


def _example_summary(command: Example) -> Summary:
    out = command.out
    photos, run = out / "images", out / "reconstruction"
    return Summary(
        (f"{command.count} photos in {photos}, their true cameras in {out / 'gt'}",),
        {"images": command.count, "out": str(out), "files": ["images", "gt"]},
        (Step("next", f"dust3r-sfm reconstruct {shlex.quote(str(photos))} {shlex.quote(str(run))}"),),
    )


def run_version(reporter: Reporter) -> None:
    versions = library_versions()
    reporter.conclude(Summary(tuple(f"{package} {number}" for package, number in versions.items())))
