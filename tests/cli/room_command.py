"""The command line in a process of its own, on photos of a made-up room whose geometry is looked up: quick,
and everything but the regressor is what users have."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]

PROGRAM = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from known_room import LookupRegressor, make_room
import dust3r_sfm.pipeline.job as job
job.build_regressor = lambda config: LookupRegressor((make_room("hall", 1, 3),), pause_s=PAUSE_S)
from dust3r_sfm.cli import main
sys.exit(main())
"""


def program(pause_s: float = 0.0) -> str:
    return PROGRAM.replace("PAUSE_S", str(pause_s))


def start(*arguments: str | Path, pause_s: float = 0.0) -> subprocess.Popen[str]:
    # Whatever these ask for, what is piped has no control codes.
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    return subprocess.Popen(
        [sys.executable, "-c", program(pause_s), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def events(out: str) -> list[dict[str, Any]]:
    """Every line is an object of JSON in ASCII, or this fails."""
    assert out.isascii()
    return [json.loads(line) for line in out.splitlines()]
