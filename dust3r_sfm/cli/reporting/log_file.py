"""Everything that is said, in a file, with times; and what libraries log besides."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.cli.reporting.messages import Failure, Planned, Summary
from dust3r_sfm.cli.reporting.pace import Pace, count_text
from dust3r_sfm.cli.reporting.reporter import Reporter
from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.room import describe_os_error
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm.progress import Progress

FIRST_LINE = "# dust3r-sfm log"
"""By which a log is known: nothing is ever appended to any other file."""


class LogFile:
    """Lines of time, kind and text, appended: runs that are resumed go on in the same one."""

    def __init__(self, path: Path) -> None:
        """Raises OutputError for a file that cannot be written, or is no log of ours."""
        try:
            check_is_log(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace")
            if self._file.tell() == 0:
                self._file.write(FIRST_LINE + "\n")
        except OSError as error:
            raise OutputError(f"--log-file {path}: {describe_os_error(error, path)}") from error
        self.failed: str | None = None
        """Why it says no more, say because the disk is full."""

    def write(self, kind: str, text: str) -> None:
        if self.failed is not None:
            return
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f".{int(now * 1000) % 1000:03d}"
        try:
            self._file.write("".join(f"{stamp} {kind:<8} {shown(line)}\n" for line in text.splitlines()))
            self._file.flush()
        except OSError as error:
            self.failed = str(error)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self.failed = str(error)


class LibraryLog(logging.Handler):
    """What libraries log, in the file."""

    def __init__(self, log: LogFile) -> None:
        super().__init__(logging.INFO)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(record.levelname.lower(), f"{record.name}: {self.format(record)}")


class LoggedReporter:
    """Says everything twice: to another reporter, and into the log. Times of stages are in the log alone."""

    def __init__(self, heard: Reporter, log: LogFile) -> None:
        self._heard, self._log = heard, log
        self.progress = LoggedProgress(heard.progress, log)

    def begin(self) -> None:
        self._heard.begin()

    def announce(self, plan: Planned) -> None:
        self._write("plan", *plan.lines)
        self._heard.announce(plan)

    def remark(self, text: str) -> None:
        self._write("remark", text)
        self._heard.remark(text)

    def warn(self, text: str) -> None:
        # What libraries warn of is in the log already, with the library's name.
        self._heard.warn(text)

    def conclude(self, summary: Summary) -> None:
        self.progress.stop()
        self._write("summary", *summary.lines, *(f"{step.purpose}: {step.command}" for step in summary.steps))
        self._heard.conclude(summary)

    def fail(self, failure: Failure) -> None:
        self.progress.stop()
        self._write("error", failure.line, f"exit code {failure.exit_code}")
        self._heard.fail(failure)

    def close(self) -> None:
        self.progress.stop()
        self._log.close()
        if self._log.failed is not None:
            self._heard.warn(f"--log-file: the log is not whole ({self._log.failed})")
        self._heard.close()

    def _write(self, kind: str, *lines: str) -> None:
        for line in lines:
            self._log.write(kind, line)


class LoggedProgress:
    """Stages with how long each took."""

    def __init__(self, heard: Progress, log: LogFile) -> None:
        self._heard, self._log = heard, log
        self._label, self._unit, self._pace = "", "", Pace(0)

    def start(self, label: str, total: int, unit: str) -> None:
        self.stop()
        self._label, self._unit, self._pace = label, unit, Pace(total)
        self._log.write("stage", f"{label}: {count_text(total, unit)}")
        self._heard.start(label, total, unit)

    def advance(self, count: int = 1) -> None:
        self._pace.advance(count)
        self._heard.advance(count)

    def stop(self) -> None:
        """Ends the stage that runs, if any."""
        if self._label:
            done = f"{self._pace.done} of {count_text(self._pace.total, self._unit)}"
            self._log.write("stage", f"{self._label}: {done} in {self._pace.elapsed_s:.1f} s")
        self._label = ""


def check_is_log(path: Path) -> None:
    """Raises OutputError for what is there and was not begun by a log of ours."""
    if not os.path.lexists(path):
        return
    if not path.is_file():
        raise OutputError(f"--log-file {path}: is no file; name one, or one that is not there yet")
    begin = FIRST_LINE.encode()
    with path.open("rb") as file:
        if file.read(len(begin)) not in (b"", begin):
            raise OutputError(f"--log-file {path}: holds something else than such a log; name another file")


def check_log_is_apart(log: Path, command: object) -> None:
    """Raises OutputError for a log that is, or lies in, what the command reads or writes: folders that are
    to be made appear whole, and photos are looked for in all of theirs."""
    place = Path(os.path.realpath(log))
    for path in _paths(command):
        if place.is_relative_to(os.path.realpath(path)):
            raise OutputError(
                f"--log-file {log}: is or lies in {path}, which the command reads or writes; name a file "
                "outside it"
            )


def _paths(command: object) -> Iterator[Path]:
    """Of all options but the log itself, those in groups of options among them."""
    if isinstance(command, Path):
        yield command
    elif is_dataclass(command) and not isinstance(command, ReportingOptions):
        for field in fields(command):
            yield from _paths(getattr(command, field.name))
