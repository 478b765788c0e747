"""What nerfstudio's users see: rules, colours, and one line for what went wrong."""

from rich.console import Console
from rich.markup import escape

from dust3r_sfm.cli.reporting import Failure, Summary
from dust3r_sfm.cli.reporting.drawn import DrawnReporter
from dust3r_sfm.io.photo_names import shown

_FEW, _SOME = 0.4, 0.8
"""Shares of posed photos below which nerfstudio's summaries turn red and yellow."""


class NerfstudioReporter(DrawnReporter):
    """See `Reporter`: all on nerfstudio's console, which is on stdout."""

    def __init__(self, console: Console, bars: bool | None = None, quiet: bool = False) -> None:
        """`bars`: None for those that a terminal gets."""
        super().__init__(console, bars, quiet)

    def warn(self, text: str) -> None:
        self._console.print(escape(shown(text)))

    def conclude(self, summary: Summary) -> None:
        self.close()
        self._console.rule("[bold green]:tada: :tada: :tada: All DONE :tada: :tada: :tada:")
        for line in summary.lines:
            self._console.print(f"[{_style(line, summary)}]{escape(shown(line))}", justify="center")
        for step in () if self._quiet else summary.steps:
            self._console.print(f"{step.purpose}: [yellow]{escape(shown(step.command))}", justify="center")
        self._console.rule()

    def fail(self, failure: Failure) -> None:
        self.close()
        if failure.stopped:
            self._console.print("[bold yellow]Stopped; the same command continues.")
        elif not failure.ours:
            self._console.print(f"[bold red]Error: {escape(shown(failure.text))}", soft_wrap=True)


def _style(line: str, summary: Summary) -> str:
    """nerfstudio's colour for a share of posed photos, and yellow for what is missing."""
    images, registered = summary.facts["images"], summary.facts["registered"]
    assert isinstance(images, int)
    assert isinstance(registered, int)
    if "found poses" in line:
        share = registered / images
        return "bold red" if share < _FEW else "bold yellow" if share < _SOME else "bold green"
    return "yellow" if line.startswith("left out") or "more scenes" in line else "not bold"
