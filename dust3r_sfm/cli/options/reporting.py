"""What a command says of its work, and where: options of every command that takes a while."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

ProgressChoice = Literal["auto", "bars", "lines", "json"]

_PROGRESS_HELP = (
    "How progress is shown. bars: with rate and time left, for a terminal. lines: one a stage. json: events "
    "for programs, everything on stdout, an object a line. auto: bars on a terminal, else lines."
)
_LOG_HELP = (
    "File that all that is said is appended to, with times, and what libraries log. It is made if it is not "
    "there."
)


@dataclass(frozen=True)
class ReportingOptions:
    """What is said meanwhile. Results go to stdout, the rest to stderr."""

    quiet: bool = False
    """Say only results, warnings and errors."""
    progress: Annotated[ProgressChoice, tyro.conf.arg(help=_PROGRESS_HELP)] = "auto"
    log_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help=_LOG_HELP, help_behavior_hint="")] = (
        None
    )
