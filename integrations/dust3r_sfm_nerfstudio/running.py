"""The command as nerfstudio's users meet it: options to what hears it, the call, a summary."""

import logging
import sys
from collections.abc import Iterator

import numpy as np
import pycolmap
from rich.console import Console
from rich.logging import RichHandler

from dust3r_sfm.cli.reconstruction_summary import summary_facts
from dust3r_sfm.cli.reporting import Reporter, Step, Summary
from dust3r_sfm.cli.reporting.opening import reporter_of
from dust3r_sfm.cli.reporting.running import run_reported
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm_nerfstudio.options import ProcessOptions
from dust3r_sfm_nerfstudio.processing import Processed, process
from dust3r_sfm_nerfstudio.reporting import NerfstudioReporter

_LEFT_OUT_SHOWN = 10


def run(command: ProcessOptions, typed: str | None = None) -> int:
    """The exit code, as of `dust3r-sfm`: 0 success, 2 input, 3 output, 4 no model, 130 Ctrl-C, 143 SIGTERM, 1
    the system gave up. `typed` is the command line, for the report."""
    console = _console()
    _quiet_libraries(console, command.verbose)

    def work(reporter: Reporter) -> None:
        processed = process(command, reporter, typed)
        reporter.conclude(summary_of_dataset(command, processed))

    reporter = _reporter(command, console)
    stopped = "stopped; the same command continues"
    return run_reported(reporter, command.reporting, command, typed or "", work, lambda: stopped)


def _reporter(command: ProcessOptions, console: Console) -> Reporter:
    options = command.reporting
    if options.progress == "json" and not options.quiet:
        return reporter_of(options, "process", sys.argv[1:])
    bars = None if options.progress == "auto" else options.progress == "bars"
    return NerfstudioReporter(console, bars, options.quiet)


def _console() -> Console:
    try:
        from nerfstudio.utils.rich_utils import CONSOLE
    except ImportError:
        # In a file as wide as nerfstudio's own.
        return Console() if sys.stdout.isatty() else Console(width=120)
    shared: Console = CONSOLE
    return shared


def _quiet_libraries(console: Console, verbose: bool) -> None:
    if verbose:
        logger = logging.getLogger("dust3r_sfm")
        handler = RichHandler(console=console, show_path=False)
        # Warnings are said anyway.
        handler.addFilter(lambda record: record.levelno < logging.WARNING)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    else:
        pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)


def summary_of_dataset(command: ProcessOptions, processed: Processed) -> Summary:
    reconstruction = processed.reconstruction
    facts = {**summary_facts(reconstruction), "out": str(command.output_dir)}
    step = Step("Next", f"ns-train splatfacto --data {command.output_dir}")
    return Summary(tuple(_lines(processed)), {**facts, "images": processed.num_photos}, (step,))


def _lines(processed: Processed) -> Iterator[str]:
    scene, *others = processed.reconstruction.scenes
    yield f"Starting with {processed.num_photos} images"
    share = len(scene.views) / processed.num_photos
    if share == 1.0:
        yield "dust3r found poses for all images, CONGRATS!"
    else:
        yield f"dust3r found poses for {share:.2%} of the images."
    errors_px = originals_of(scene).errors_px
    error = f", mean reprojection error {np.mean(errors_px):.2f} px" if len(errors_px) else ""
    yield f"{len(scene.tracks.xyz)} points{error}"
    dropped = processed.reconstruction.dropped
    for name, reason in list(dropped.items())[:_LEFT_OUT_SHOWN]:
        yield f"left out {name}: {reason}"
    if len(dropped) > _LEFT_OUT_SHOWN:
        yield f"left out {len(dropped) - _LEFT_OUT_SHOWN} more: see dust3r/report.json"
    if passed_over := processed.reconstruction.passed_over:
        yield passed_over_line(passed_over)
    if others:
        yield f"{len(others)} more scenes, of photos that do not connect: see dust3r/components"
