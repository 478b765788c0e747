"""For people: results on stdout, everything else on stderr."""

import io
from typing import TextIO

from rich.console import Console

from dust3r_sfm.cli.reporting.drawn import DrawnReporter
from dust3r_sfm.cli.reporting.messages import Failure, Summary
from dust3r_sfm.io.photo_names import shown


class TextReporter(DrawnReporter):
    """See `Reporter`. Lines are wrapped at words on a terminal, and never anywhere else: what is piped has
    no control codes either, unless bars are asked for."""

    def __init__(self, out: TextIO, err: TextIO, bars: bool | None = None, quiet: bool = False) -> None:
        """`bars`: None for those that a terminal gets."""
        self._out = plain_console(out)
        super().__init__(plain_console(err, force_terminal=True if bars and not quiet else None), bars, quiet)

    def warn(self, text: str) -> None:
        print_line(self._console, text)

    def conclude(self, summary: Summary) -> None:
        self.close()
        for line in summary.lines:
            print_line(self._out, line)
        if not self._quiet:
            for step in summary.steps:
                # Not wrapped: it is there to be copied.
                self._out.print(shown(f"{step.purpose}: {step.command}"), soft_wrap=True)

    def fail(self, failure: Failure) -> None:
        self.close()
        if not failure.ours:
            print_line(self._console, failure.line)


def plain_console(stream: TextIO, force_terminal: bool | None = None) -> Console:
    """Prints text as it is; file names may hold any bytes."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    terminal = stream.isatty() if force_terminal is None else force_terminal
    return Console(file=stream, force_terminal=terminal, markup=False, highlight=False, emoji=False)


def print_line(console: Console, text: str) -> None:
    console.print(shown(text), soft_wrap=not console.is_terminal)
