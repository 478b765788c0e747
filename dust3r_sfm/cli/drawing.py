"""Progress on stderr: bars with rate and time left on a terminal, a line a stage in a log."""

from collections.abc import Iterator
from contextlib import contextmanager

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
from rich.text import Text

from dust3r_sfm.progress import Progress, Silent


class Bars:
    """One bar a stage."""

    def __init__(self, drawn: RichProgress) -> None:
        self._drawn = drawn
        self._task: TaskID | None = None

    def start(self, label: str, total: int, unit: str) -> None:
        if self._task is not None:
            self._drawn.stop_task(self._task)
        self._task = self._drawn.add_task(label, total=total, unit=unit)

    def advance(self, count: int = 1) -> None:
        if self._task is not None:
            self._drawn.advance(self._task, count)


class Lines:
    """One line at the start of each stage."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self, label: str, total: int, unit: str) -> None:
        self._console.print(f"{label}: {total} {unit.removesuffix('s') if total == 1 else unit}")

    def advance(self, count: int = 1) -> None:
        pass


class _Rate(ProgressColumn):
    """Finished units a second, or seconds a unit where that is the larger number."""

    def render(self, task: Task) -> Text:
        unit = str(task.fields["unit"])
        speed = task.finished_speed or task.speed
        if not speed:
            return Text(unit)
        return Text(f"{speed:.1f} {unit}/s" if speed >= 1 else f"{1 / speed:.1f} s/{unit.removesuffix('s')}")


@contextmanager
def draw_progress(console: Console, quiet: bool) -> Iterator[Progress]:
    """What the library reports its progress to, drawn on `console` while the block runs."""
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield Lines(console)
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate())
        with RichProgress(*columns, TimeRemainingColumn(), console=console) as drawn:
            yield Bars(drawn)
