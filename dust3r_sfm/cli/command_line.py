"""Runs one command; what users can mend ends in one line and an exit code, never in a traceback."""

import io
import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, RenderableType

from dust3r_sfm.cli.interruption import exit_code, without_their_handlers
from dust3r_sfm.cli.options import (
    AnyCommand,
    Evaluate,
    Example,
    Export,
    Localize,
    Models,
    Reconstruct,
    ViewResult,
    parse,
)
from dust3r_sfm.cli.options.checks import check_options
from dust3r_sfm.errors import Dust3rSfmError
from dust3r_sfm.io.photo_names import shown


def run_command_line(argv: list[str] | None) -> int:
    """The exit code, see `dust3r_sfm.cli.main`."""
    command = parse(argv)
    typed = shlex.join(["dust3r-sfm", *(sys.argv[1:] if argv is None else argv)])
    console = _plain_console(sys.stderr)
    try:
        check_options(command)
        out = _plain_console(sys.stdout)
        for line in _run(command, typed, console):
            out.print(shown(line) if isinstance(line, str) else line)
    except Dust3rSfmError as error:
        console.print(f"error: {_one_line(error)}")
        return error.exit_code
    except (OSError, MemoryError) as error:
        console.print(f"error: {type(error).__name__}: {_one_line(error)}")
        return Dust3rSfmError.exit_code
    except KeyboardInterrupt as interrupt:
        console.print(f"stopped{_how_to_go_on(command)}")
        return exit_code(interrupt)
    return 0


def _how_to_go_on(command: object) -> str:
    from dust3r_sfm.pipeline.output import is_unfinished

    if isinstance(command, Reconstruct) and is_unfinished(command.out):
        return "; continue with the same command and --resume"
    return ""


def _run(
    command: AnyCommand,
    typed: str,
    console: Console,
) -> Iterator[RenderableType]:
    # numpy reads this once, when imported. Its matrices are small here: a second thread gains nothing, and
    # where other programs run, waiting for it takes ten times as long as the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # torch's threads spin while they wait for one another, which on a busy machine is most of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Imported here: torch and pycolmap take seconds, which --help and typing errors need not wait for.
    if isinstance(command, Models):
        from dust3r_sfm.cli.models import run_models

        return run_models()
    _silence_libraries()
    if isinstance(command, ViewResult):
        from dust3r_sfm.cli.view import run_view

        return run_view(command)
    from dust3r_sfm.cli import commands

    if isinstance(command, Reconstruct):
        return commands.run_reconstruct(command, typed, console)
    if isinstance(command, Evaluate):
        from dust3r_sfm.cli.evaluation import run_evaluate

        return run_evaluate(command)
    if isinstance(command, Export):
        from dust3r_sfm.cli.export import run_export

        return run_export(command, console)
    if isinstance(command, Localize):
        from dust3r_sfm.cli.localization import run_localize

        return run_localize(command, console)
    if isinstance(command, Example):
        return commands.run_example(command, console)
    return commands.run_version()


def _silence_libraries() -> None:
    """Our own lines say what users can act on; a library's log would hide them."""
    with without_their_handlers():
        import pycolmap

    pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)
    warnings.filterwarnings("ignore", module="PIL")


def _plain_console(stream: TextIO) -> Console:
    """Prints text as it is, unwrapped where nobody looks; file names may hold any bytes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _one_line(error: BaseException) -> str:
    return shown(" ".join(str(error).split()))
