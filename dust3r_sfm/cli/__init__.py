"""The `dust3r-sfm` command: results on stdout, everything else on stderr."""

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 success, 2 input, 3 output, 4 no model, 5 a weak one, 130 Ctrl-C, 143 SIGTERM, 1 the
    system gave up. Without `argv`, the process's own arguments, and the process ends with this."""
    # Imported here: Ctrl-C may come at once, and is answered in one line from here on.
    from dust3r_sfm.cli.interruption import run_interruptibly

    return run_interruptibly(lambda: _run(argv), last=argv is None)


def _run(argv: list[str] | None) -> int:
    from dust3r_sfm.cli.command_line import run_command_line

    return run_command_line(argv)
