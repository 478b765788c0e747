"""The command as nerfstudio's users meet it: rules, colours, a summary, and one line for what went wrong."""

import logging
from collections.abc import Iterator

import numpy as np
import pycolmap
from rich.console import Console
from rich.logging import RichHandler
from rich.markup import escape

from dust3r_sfm.cli.drawing import draw_progress
from dust3r_sfm.cli.interruption import exit_code
from dust3r_sfm.errors import Dust3rSfmError
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm_nerfstudio.options import ProcessOptions
from dust3r_sfm_nerfstudio.processing import Processed, process

_LEFT_OUT_SHOWN = 10
_FEW, _SOME = 0.4, 0.8
"""Shares of posed photos below which nerfstudio's summaries turn red and yellow."""


def run(command: ProcessOptions, typed: str | None = None) -> int:
    """The exit code, as of `dust3r-sfm`: 0 success, 2 input, 3 output, 4 no model, 130 Ctrl-C, 143 SIGTERM, 1
    the system gave up. `typed` is the command line, for the report."""
    console = _console()
    _quiet_libraries(console, command.verbose)
    try:
        with draw_progress(console, quiet=False) as progress:
            processed = process(command, lambda line: console.print(escape(shown(line))), progress, typed)
    except Dust3rSfmError as error:
        console.print(f"[bold red]Error: {escape(_one_line(error))}", soft_wrap=True)
        return error.exit_code
    except (OSError, MemoryError) as error:
        console.print(f"[bold red]Error: {type(error).__name__}: {escape(_one_line(error))}", soft_wrap=True)
        return Dust3rSfmError.exit_code
    except KeyboardInterrupt as interrupt:
        console.print("[bold yellow]Stopped; the same command continues.")
        return exit_code(interrupt)
    console.rule("[bold green]:tada: :tada: :tada: All DONE :tada: :tada: :tada:")
    for line in summary(command, processed):
        console.print(line, justify="center")
    console.rule()
    return 0


def _console() -> Console:
    try:
        from nerfstudio.utils.rich_utils import CONSOLE
    except ImportError:
        return Console(width=120)
    shared: Console = CONSOLE
    return shared


def _quiet_libraries(console: Console, verbose: bool) -> None:
    if verbose:
        logger = logging.getLogger("dust3r_sfm")
        logger.addHandler(RichHandler(console=console, show_path=False))
        logger.setLevel(logging.INFO)
    else:
        pycolmap.logging.minloglevel = int(pycolmap.logging.FATAL)


def summary(command: ProcessOptions, processed: Processed) -> Iterator[str]:
    """Lines of rich markup."""
    scene, *others = processed.reconstruction.scenes
    yield f"Starting with {processed.num_photos} images"
    yield _posed_line(len(scene.views) / processed.num_photos)
    errors_px = originals_of(scene).errors_px
    error = f", mean reprojection error {np.mean(errors_px):.2f} px" if len(errors_px) else ""
    yield f"{len(scene.tracks.xyz)} points{error}"
    dropped = processed.reconstruction.dropped
    for name, reason in list(dropped.items())[:_LEFT_OUT_SHOWN]:
        yield f"[yellow]left out {escape(shown(name))}: {escape(shown(reason))}"
    if len(dropped) > _LEFT_OUT_SHOWN:
        yield f"[yellow]left out {len(dropped) - _LEFT_OUT_SHOWN} more: see dust3r/report.json"
    if passed_over := processed.reconstruction.passed_over:
        yield escape(shown(passed_over_line(passed_over)))
    if others:
        yield f"[yellow]{len(others)} more scenes, of photos that do not connect: see dust3r/components"
    yield f"Next: [yellow]ns-train splatfacto --data {escape(shown(str(command.output_dir)))}"


def _posed_line(share: float) -> str:
    if share == 1.0:
        return "[bold green]dust3r found poses for all images, CONGRATS!"
    colour = "red" if share < _FEW else "yellow" if share < _SOME else "green"
    return f"[bold {colour}]dust3r found poses for {share:.2%} of the images."


def _one_line(error: BaseException) -> str:
    return shown(" ".join(str(error).split()))
