"""From data to dataset: photos, reconstruction, files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dust3r_sfm.cli.commands import planned_run, reconstruct_config
from dust3r_sfm.cli.compute import choose_regressor
from dust3r_sfm.cli.options import ComputeOptions, Reconstruct
from dust3r_sfm.cli.options.reconstruct import KnownOptions, OutputOptions, PhotoOptions, SolvingOptions
from dust3r_sfm.cli.reporting import Reporter
from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.io.outputs.locks import take_lock
from dust3r_sfm.io.outputs.own_files import read_files
from dust3r_sfm.pipeline import Existing, ReconstructConfig, reconstruct_all
from dust3r_sfm.pipeline.known.cameras import lens_without_form
from dust3r_sfm.pipeline.output import as_output_error, is_unfinished
from dust3r_sfm.types import Reconstruction
from dust3r_sfm_nerfstudio.dataset import OURS, find_replaced, write_dataset
from dust3r_sfm_nerfstudio.inputs import gather
from dust3r_sfm_nerfstudio.options import ProcessOptions


@dataclass(frozen=True)
class Processed:
    """How many photos there were, and what became of them."""

    num_photos: int
    reconstruction: Reconstruction


def process(command: ProcessOptions, reporter: Reporter, typed: str | None = None) -> Processed:
    """Writes the dataset of the largest scene into the output folder; everything else that was found out
    is in its sub-folder dust3r, as `dust3r-sfm reconstruct` writes it.

    `typed` is the command line, for the report. An interrupted run is continued unless the command says
    otherwise. Raises InputError, OutputError, ReconstructionError.
    """
    _check(command)
    work = command.output_dir / OURS
    with as_output_error(command.output_dir):
        lock = take_lock(work / ".lock", command.output_dir)
    try:
        return _process_alone(command, work, reporter, typed)
    finally:
        lock.release()


def _process_alone(command: ProcessOptions, work: Path, reporter: Reporter, typed: str | None) -> Processed:
    """With nobody else at work in the folder."""
    inputs = gather(command, work / "frames", reporter.progress, reporter.warn)
    config = _config(command, reporter.remark)
    reconstruction = reconstruct_all(
        inputs.photos,
        config,
        work,
        reporter.progress,
        existing=_existing(command, work),
        on_plan=lambda plan: reporter.announce(planned_run(plan)),
        command=typed,
    )
    write_dataset(reconstruction.scenes[0], inputs.stems, command, reporter.progress)
    passed_over = {**inputs.left_out, **reconstruction.passed_over}
    return Processed(len(inputs.stems), replace(reconstruction, passed_over=passed_over))


def _check(command: ProcessOptions) -> None:
    """Raises for what can be known to fail before any work."""
    if not 0 <= command.num_downscales <= 8:
        raise InputError(f"--num-downscales {command.num_downscales}: give 0 to 8")
    if command.num_frames_target < 2:
        raise InputError(f"--num-frames-target {command.num_frames_target}: give 2 or more")
    if command.focal_px is not None and not 0 < command.focal_px < float("inf"):
        raise InputError(f"--focal-px {command.focal_px}: give a positive number of pixels")
    _check_lenses(command)
    output = command.output_dir.resolve()
    given = {
        "--data": command.data,
        "--eval-data": command.eval_data,
        "--masks": command.masks,
        "--known-cameras": command.known_cameras,
    }
    for option, path in given.items():
        if path is None:
            continue
        if not path.exists():
            raise InputError(f"{option} {path}: does not exist")
        if path.is_dir() and output.is_relative_to(path.resolve()):
            raise OutputError(f"{command.output_dir}: lies in {option} {path}; choose a folder outside it")
        files = read_files(option, path) if option == "--known-cameras" else [(option, path)]
        lost = next((lost for _, file in files if (lost := find_replaced(command, file)) is not None), None)
        if lost is not None:
            raise OutputError(
                f"{lost}: holds {option} and would be replaced by the dataset; choose another --output-dir, "
                "or leave photos as they are with --skip-image-processing"
            )


def _check_lenses(command: ProcessOptions) -> None:
    """Photos that stay as they are must have a lens that a dataset can tell of."""
    stays = {"--skip-image-processing": command.skip_image_processing}
    stays["--camera-type perspective"] = command.camera_type == "perspective"
    chosen = next((option for option, is_given in stays.items() if is_given), None)
    if chosen is None or command.known_cameras is None:
        return
    lens = lens_without_form(command.known_cameras)
    if lens is not None:
        raise InputError(
            f"{chosen}: --known-cameras {command.known_cameras} has a {lens.model} camera, whose photos are"
            " straightened for a dataset; leave the option out"
        )


def _config(command: ProcessOptions, say: Callable[[str], None]) -> ReconstructConfig:
    options = Reconstruct(
        photos=command.data,
        out=command.output_dir,
        photo=PhotoOptions(command.masks, command.pairs, command.cameras),
        compute=ComputeOptions(
            regressor=command.regressor,
            device=command.device,
            dtype=command.dtype,
            batch_size=command.batch_size,
            seed=command.seed,
        ),
        known=KnownOptions(command.focal_px, command.known_cameras),
        solving=SolvingOptions(command.alignment, command.max_memory),
        output=OutputOptions(max_points=command.max_points, no_report_html=not command.report_html),
    )
    choice = choose_regressor(options.compute)
    if choice.reason:
        say(choice.reason)
    return reconstruct_config(options, choice.name)


def _existing(command: ProcessOptions, work: Path) -> Existing:
    """nerfstudio replaces what is there without a question; so do we."""
    return Existing.RESUME if is_unfinished(work) and not command.overwrite else Existing.OVERWRITE
