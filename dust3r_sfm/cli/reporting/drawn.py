"""What reporters for people have in common."""

from abc import ABC, abstractmethod

from rich.console import Console

from dust3r_sfm.cli.reporting.drawing import Bars, Lines, draws_bars
from dust3r_sfm.cli.reporting.messages import Planned
from dust3r_sfm.progress import Progress, Silent


class DrawnReporter(ABC):
    """Draws progress on a console, and says plans and remarks as it warns; neither if it is quiet."""

    def __init__(self, console: Console, bars: bool | None, quiet: bool) -> None:
        """`bars`: None for those that a terminal gets."""
        self._console, self._quiet = console, quiet
        self._bars = draws_bars(console, bars)
        self._drawn: Bars | Lines | None = None

    @property
    def progress(self) -> Progress:
        return self._drawn or Silent()

    def begin(self) -> None:
        if not self._quiet:
            self._drawn = Bars(self._console) if self._bars else Lines(self._console)

    def announce(self, plan: Planned) -> None:
        for line in plan.lines:
            self.remark(line)

    def remark(self, text: str) -> None:
        if not self._quiet:
            self.warn(text)

    @abstractmethod
    def warn(self, text: str) -> None: ...

    def close(self) -> None:
        if self._drawn is not None:
            self._drawn.close()
