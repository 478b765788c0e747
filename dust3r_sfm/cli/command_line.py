"""Runs one command: reads it, and hands it what it speaks to."""

import os
import shlex
import sys
import warnings
from collections.abc import Callable

from dust3r_sfm.cli.interruption import without_their_handlers
from dust3r_sfm.cli.options import (
    AnyCommand,
    Evaluate,
    Example,
    Export,
    Localize,
    Models,
    Reconstruct,
    RunDemo,
    TakeFrames,
    ViewResult,
    parse,
)
from dust3r_sfm.cli.options.checks import check_options
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.cli.reporting import Reporter
from dust3r_sfm.cli.reporting.opening import reporter_of
from dust3r_sfm.cli.reporting.running import run_reported


def run_command_line(argv: list[str] | None) -> int:
    """The exit code, see `dust3r_sfm.cli.main`."""
    command = parse(argv)
    arguments = sys.argv[1:] if argv is None else argv
    typed = shlex.join(["dust3r-sfm", *arguments])
    # What answers at once has no such options.
    options: ReportingOptions = getattr(command, "reporting", ReportingOptions(progress="lines"))

    def work(reporter: Reporter) -> None:
        check_options(command)
        _runner(command, typed)(reporter)

    reporter = reporter_of(options, type(command).__name__.lower(), arguments)
    return run_reported(reporter, options, command, typed, work, lambda: _how_to_go_on(command))


def _how_to_go_on(command: AnyCommand) -> str:
    from dust3r_sfm.pipeline.output import is_unfinished

    if isinstance(command, Reconstruct) and is_unfinished(command.out):
        return "stopped; continue with the same command and --resume"
    return "stopped"


def _runner(command: AnyCommand, typed: str) -> Callable[[Reporter], None]:
    # numpy reads this once, when imported. Its matrices are small here: a second thread gains nothing, and
    # where other programs run, waiting for it takes ten times as long as the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # torch's threads spin while they wait for one another, which on a busy machine is most of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Imported here: torch and pycolmap take seconds, which --help and typing errors need not wait for.
    if isinstance(command, Models):
        from dust3r_sfm.cli.models import run_models

        return run_models
    _silence_libraries()
    if isinstance(command, ViewResult):
        from dust3r_sfm.cli.view import run_view

        return lambda reporter: run_view(command, reporter)
    # An exception that a signal raises while torch sets itself up ends the process with a native stack.
    with without_their_handlers():
        import torch  # noqa: F401
    from dust3r_sfm.cli import commands

    if isinstance(command, Reconstruct):
        return lambda reporter: commands.run_reconstruct(command, typed, reporter)
    if isinstance(command, Evaluate):
        from dust3r_sfm.cli.evaluation import run_evaluate

        return lambda reporter: run_evaluate(command, reporter)
    if isinstance(command, Export):
        from dust3r_sfm.cli.export import run_export

        return lambda reporter: run_export(command, reporter)
    if isinstance(command, Localize):
        from dust3r_sfm.cli.localization import run_localize

        return lambda reporter: run_localize(command, reporter)
    if isinstance(command, RunDemo):
        from dust3r_sfm.cli.demo import run_demo

        return lambda reporter: run_demo(command, reporter)
    if isinstance(command, TakeFrames):
        from dust3r_sfm.cli.demo import run_frames

        return lambda reporter: run_frames(command, reporter)
    if isinstance(command, Example):
        return lambda reporter: commands.run_example(command, reporter)
    return commands.run_version


def _silence_libraries() -> None:
    """Our own lines say what users can act on; a library's log would hide them."""
    with without_their_handlers():
        import pycolmap

    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    warnings.filterwarnings("ignore", module="PIL")
