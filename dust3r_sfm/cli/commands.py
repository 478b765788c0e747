"""What the commands do: options to configs, the call, and a few lines on what came of it."""

from collections.abc import Iterator, Mapping

import numpy as np
from rich.console import Console

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.cli.compute import choose_regressor, regressor_config
from dust3r_sfm.cli.drawing import draw_progress
from dust3r_sfm.cli.options import Example, Reconstruct
from dust3r_sfm.cli.options.library import points_of
from dust3r_sfm.errors import InputError, OutputError, WeakModelError
from dust3r_sfm.exporters.config import ColmapExport, ReportPageConfig
from dust3r_sfm.exporters.report import library_versions
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm.matching.learned import why_unavailable
from dust3r_sfm.pipeline import Existing, ExportConfig, Plan, ReconstructConfig, reconstruct_all
from dust3r_sfm.pipeline.known.config import KnownCameras, KnownDistance, KnownWorld
from dust3r_sfm.pipeline.output import as_output_error, is_unfinished
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.synthetic.example import write_example
from dust3r_sfm.types import AlignmentReport, Reconstruction, Scene, Verdict
from dust3r_sfm.view_graph import parse_graph

_LEFT_OUT_SHOWN = 10
_SMALLEST_WIDTH = 64


def run_reconstruct(command: Reconstruct, typed: str, console: Console) -> Iterator[str]:
    """Reconstructs, with plan and progress on `console`; yields the lines of the summary. `typed` is the
    command line, for the report."""
    choice = choose_regressor(command.compute)
    config = reconstruct_config(command, choice.name)
    quiet = command.output.quiet
    with as_output_error(command.out):
        resumes = command.output.resume and is_unfinished(command.out)

    def say(plan: Plan) -> None:
        if choice.reason:
            console.print(choice.reason)
        if command.output.resume and not resumes:
            console.print(f"{shown(str(command.out))}: holds no unfinished run; this one begins anew")
        for name, reason in plan.skipped.items():
            console.print(f"skipped {shown(name)}: {shown(reason)}")
        console.print(str(plan))

    with draw_progress(console, quiet) as progress:
        reconstruction = reconstruct_all(
            command.photos,
            config,
            command.out,
            progress,
            existing=_existing(command),
            keep_work=command.output.keep_work,
            on_plan=(lambda plan: None) if quiet else say,
            command=typed,
        )
    yield from summary(reconstruction)
    yield from _advice(reconstruction, config)
    page = "" if command.output.no_report_html else ", report.html"
    yield f"in {command.out}: sparse/0 (COLMAP), points.ply, scene.glb, depth/, scene.npz, report.json{page}"
    largest = reconstruction.scenes[0].report
    if largest.unplaced:
        raise WeakModelError(f"{command.out}: the model is in a unit of its own: {largest.unplaced}")
    if largest.verdict is Verdict.WEAK:
        raise WeakModelError(f"{command.out}: the model is weak: {largest.verdict_reason}")


def _advice(reconstruction: Reconstruction, config: ReconstructConfig) -> Iterator[str]:
    """How photos that are left out may be placed."""
    wanting = reconstruction.dropped or len(reconstruction.scenes) > 1
    if not wanting or not isinstance(config.regressor, StereoConfig) or config.regressor.keypoints != "auto":
        return
    missing = why_unavailable()
    if missing is not None:
        yield f"learned matches may place more of them: {missing}"


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


def summary(reconstruction: Reconstruction) -> Iterator[str]:
    """A line a scene, and which photos are in none of them, and why."""
    placed = sum(len(scene.views) for scene in reconstruction.scenes)
    total = placed + len(reconstruction.dropped)
    for index, scene in enumerate(reconstruction.scenes):
        yield _scene_line(index, scene, total)
        if scene.report.world != AlignmentReport.world:
            yield f"unit of sparse/{index}: {scene.report.world}"
        if scene.report.unplaced:
            yield f"sparse/{index} is in a unit of its own: {scene.report.unplaced}"
    yield from _left_out_lines(reconstruction.dropped)
    if others := reconstruction.passed_over:
        yield passed_over_line(others)


def _scene_line(index: int, scene: Scene, total: int) -> str:
    errors_px = originals_of(scene).errors_px
    error = f", mean reprojection error {np.mean(errors_px):.2f} px" if len(errors_px) else ""
    where = "" if index == 0 else f" (a scene of its own: sparse/{index}, components/{index})"
    verdict = f"; {scene.report.verdict.value}: {scene.report.verdict_reason}"
    placed = f"{len(scene.views)} of {total} images registered, {len(scene.tracks.xyz)} points"
    return f"{placed}{error}{where}{verdict}"


def _left_out_lines(dropped: Mapping[str, str]) -> Iterator[str]:
    for name, reason in list(dropped.items())[:_LEFT_OUT_SHOWN]:
        yield f"left out {name}: {reason}"
    if len(dropped) > _LEFT_OUT_SHOWN:
        yield f"left out {len(dropped) - _LEFT_OUT_SHOWN} more: see report.json"


def run_example(command: Example, console: Console) -> Iterator[str]:
    """Writes the example set, whole or not at all; yields how to go on."""
    if command.count < 2:
        raise InputError(f"--count {command.count}: a reconstruction needs 2 photos or more")
    if command.width < _SMALLEST_WIDTH:
        raise InputError(f"--width {command.width}: give {_SMALLEST_WIDTH} or more")
    out = command.out
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out}: is not empty; choose another folder for the example")
    height = command.width * 3 // 4
    with (
        draw_progress(console, quiet=False) as progress,
        as_output_error(out),
        write_atomically(out, replace=True) as partial,
    ):
        write_example(partial, command.count, command.width, height, command.seed, progress)
    yield f"{command.count} photos in {out / 'images'}, their true cameras in {out / 'gt'}"
    yield f"next: dust3r-sfm reconstruct {out / 'images'} {out / 'reconstruction'}"


def run_version() -> Iterator[str]:
    for package, version in library_versions().items():
        yield f"{package} {version}"
