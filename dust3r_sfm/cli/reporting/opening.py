"""From the options of a command to what hears it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.cli.reporting.events import JsonReporter
from dust3r_sfm.cli.reporting.log_file import LibraryLog, LogFile, LoggedReporter, check_log_is_apart
from dust3r_sfm.cli.reporting.reporter import Reporter
from dust3r_sfm.cli.reporting.text import TextReporter
from dust3r_sfm.errors import InputError


def check_reporting(options: ReportingOptions) -> None:
    """Raises InputError for what contradicts itself."""
    if options.quiet and options.progress != "auto":
        raise InputError(
            f"--quiet and --progress {options.progress} exclude each other: is progress wanted, or not?"
        )


def reporter_of(options: ReportingOptions, program: str, arguments: list[str]) -> Reporter:
    """What hears the command, but for the log: it cannot fail, so that errors can always be told."""
    if options.progress == "json" and not options.quiet:
        return JsonReporter(sys.stdout, program, arguments, version("dust3r-sfm"))
    bars = None if options.progress == "auto" else options.progress == "bars"
    return TextReporter(sys.stdout, sys.stderr, bars, options.quiet)


@contextmanager
def logged(reporter: Reporter, options: ReportingOptions, command: object, typed: str) -> Iterator[Reporter]:
    """The reporter, with --log-file beside it where that is asked for, and with what libraries warn of.
    Raises InputError, and OutputError for a log that cannot be."""
    check_reporting(options)
    reporter.begin()
    log = None
    if options.log_file is not None:
        check_log_is_apart(options.log_file, command)
        log = LogFile(options.log_file)
        reporter = LoggedReporter(reporter, log)
        log.write("command", typed)
    try:
        with _heard_libraries(reporter, log):
            yield reporter
    finally:
        reporter.close()


class _Warnings(logging.Handler):
    """Hands on what libraries warn of. Python's own warnings speak to programmers: they are for the log."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "py.warnings":
            self._reporter.warn(record.getMessage())


@contextmanager
def _heard_libraries(reporter: Reporter, log: LogFile | None) -> Iterator[None]:
    """While the block runs, libraries' loggers are heard: warnings by the reporter, and in the log what is
    less than that too."""
    root = logging.getLogger()
    before, handlers = root.level, [_Warnings(reporter), *([] if log is None else [LibraryLog(log)])]
    for handler in handlers:
        root.addHandler(handler)
    if log is not None:
        root.setLevel(min(before, logging.INFO))
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
