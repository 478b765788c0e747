"""Progress on stderr: bars with rate and time left on a terminal, a line a stage in a log."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from dust3r_sfm.cli.reporting.pace import Pace, count_text, rate_text
from dust3r_sfm.io.photo_names import shown

STARTING = "Starting"
"""What is drawn while libraries are loaded, before the first stage."""
SAYS_EVERY_S = 30.0
"""Lines: of a stage that takes longer, how far it is."""
RATE_FROM, BAR_FROM = 72, 52
"""Columns of a terminal from which on there is room for the rate, and for a bar."""
BAR_WIDTH = 16
"""In columns, where there is no rate beside it."""


class Bars:
    """One bar a stage."""

    def __init__(self, console: Console) -> None:
        self._drawn = RichProgress(*_columns(console.width), console=console, expand=False)
        self._task: TaskID | None = None
        self._closed = False
        self._starting: TaskID | None = self._drawn.add_task(STARTING, total=None, unit="")
        self._drawn.start()

    def start(self, label: str, total: int, unit: str) -> None:
        self._started()
        if self._task is not None:
            self._drawn.stop_task(self._task)
        self._task = self._drawn.add_task(label, total=total, unit=unit)

    def advance(self, count: int = 1) -> None:
        if self._task is not None:
            self._drawn.advance(self._task, count)

    def close(self) -> None:
        """Bars stay as they are, if there are any, and the cursor comes back."""
        if self._closed:
            return
        self._closed = True
        self._started()
        self._drawn.live.transient = not self._drawn.tasks
        self._drawn.stop()

    def _started(self) -> None:
        if self._starting is not None:
            self._drawn.remove_task(self._starting)
            self._starting = None


class Lines:
    """One line at the start of each stage, and now and then one on how far it is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._label, self._unit, self._pace, self._said_s = "", "", Pace(0), 0.0

    def start(self, label: str, total: int, unit: str) -> None:
        self._label, self._unit, self._pace, self._said_s = label, unit, Pace(total), 0.0
        self._console.print(shown(f"{label}: {count_text(total, unit)}"))

    def advance(self, count: int = 1) -> None:
        pace = self._pace
        pace.advance(count)
        if pace.elapsed_s - self._said_s < SAYS_EVERY_S or pace.done >= pace.total:
            return
        self._said_s = pace.elapsed_s
        line = f"{self._label}: {pace.done} of {count_text(pace.total, self._unit)}"
        if pace.rate is not None and pace.left_s is not None:
            line += f", {rate_text(pace.rate, self._unit)}, {pace.left_s:.0f} s left"
        self._console.print(shown(line))

    def close(self) -> None:
        pass


def draws_bars(console: Console, wanted: bool | None) -> bool:
    """Where nothing is said of it: on terminals that can move the cursor."""
    return console.is_terminal and not console.is_dumb_terminal if wanted is None else wanted


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit, speed = str(task.fields["unit"]), task.finished_speed or task.speed
        return Text(rate_text(speed, unit) if speed else unit)


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Those that a terminal of this many columns has room for."""
    label = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
    left = TimeRemainingColumn(compact=width < RATE_FROM, elapsed_when_finished=True)
    if width >= RATE_FROM:
        return label, BarColumn(BAR_WIDTH), MofNCompleteColumn(), _Rate(), left
    if width >= BAR_FROM:
        return label, BarColumn(BAR_WIDTH), MofNCompleteColumn(), left
    return label, MofNCompleteColumn(), left
