"""What users can mend ends a command in one line and an exit code, never in a traceback."""

from collections.abc import Callable
from contextlib import ExitStack

from dust3r_sfm.cli.interruption import exit_code
from dust3r_sfm.cli.options.reporting import ReportingOptions
from dust3r_sfm.cli.reporting.messages import Failure
from dust3r_sfm.cli.reporting.opening import logged
from dust3r_sfm.cli.reporting.reporter import Reporter
from dust3r_sfm.errors import Dust3rSfmError


def run_reported(
    reporter: Reporter,
    options: ReportingOptions,
    command: object,
    typed: str,
    work: Callable[[Reporter], None],
    how_to_go_on: Callable[[], str],
) -> int:
    """The exit code of `work`, which is given what hears it: `reporter`, and the log if there is one.
    `typed`: the command line; `how_to_go_on`: what is said of a command that was stopped."""
    with ExitStack() as stack:
        try:
            reporter = stack.enter_context(logged(reporter, options, command, typed))
            work(reporter)
        except Dust3rSfmError as error:
            return _fail(reporter, Failure(_one_line(error), error.exit_code))
        except (OSError, MemoryError) as error:
            text = f"{type(error).__name__}: {_one_line(error)}"
            return _fail(reporter, Failure(text, Dust3rSfmError.exit_code))
        except KeyboardInterrupt as interrupt:
            return _fail(reporter, Failure(how_to_go_on(), exit_code(interrupt), stopped=True))
        except Exception as error:
            text = f"{type(error).__name__}: {_one_line(error)}; please report this, with the traceback"
            _fail(reporter, Failure(text, Dust3rSfmError.exit_code, ours=True))
            raise
    return 0


def _fail(reporter: Reporter, failure: Failure) -> int:
    reporter.fail(failure)
    return failure.exit_code


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
