"""What a program costs: wall time, CPU time and memory of a child process and all it starts."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """`cpu_s` is user and system time over all threads; `peak_mib` the largest resident set of any one
    process (and never less than that of the process that measures, which it starts out as)."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    exit_code: int


def run_measured(command: Sequence[str], log: Path) -> Usage:
    """Runs `command` to its end, its output in `log`. Linux: the kernel counts memory in KiB there."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        began_s = time.perf_counter()
        child = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - began_s
    child.returncode = os.waitstatus_to_exitcode(status)
    return Usage(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode)
