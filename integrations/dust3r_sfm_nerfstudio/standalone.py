"""`ns-process-dust3r`: the command by itself, for where nerfstudio is not installed or not to be hooked."""

import os
import sys


def main(argv: list[str] | None = None) -> None:
    """Ends the process with code 2 after what cannot be parsed."""
    # Imported here: Ctrl-C may come at once, and is answered in one line from here on.
    from dust3r_sfm.cli.interruption import run_interruptibly

    code = run_interruptibly(lambda: _run(argv), last=argv is None)
    if code:
        sys.exit(code)


def _run(argv: list[str] | None) -> int:
    import tyro

    from dust3r_sfm_nerfstudio.command import DESCRIPTION, ProcessDust3r

    # As in dust3r_sfm.cli: threads that spin while they wait for one another cost more than they bring.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    tyro.cli(ProcessDust3r, prog="ns-process-dust3r", description=DESCRIPTION, args=argv).main()
    return 0
