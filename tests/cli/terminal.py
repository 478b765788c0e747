"""Commands in a terminal of a given width, and what it shows in the end."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "import sys; from dust3r_sfm.cli import main; sys.exit(main())"
_STEP = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])|(\r)|(\n)|(\x1b.)", re.DOTALL)


@dataclass(frozen=True)
class Shown:
    """`raw`: what was sent to the terminal; `lines`: what stands there at the end, without colours."""

    code: int
    raw: str
    lines: list[str]


def run_in_terminal(columns: int, *arguments: str | Path, program: str = PROGRAM) -> Shown:
    """stdout and stderr are the same terminal, as where somebody types."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    sent = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break  # Linux's way of saying that nobody holds the other end any more.
        if not part:
            break
        sent += part
    os.close(ours)
    raw = sent.decode()
    return Shown(process.wait(), raw, screen(raw, columns))


def screen(raw: str, columns: int) -> list[str]:
    """What a terminal makes of it: text, carriage returns, line feeds, cursor up, and erased lines."""
    lines, row, column, at = [""], 0, 0, 0
    for found in [*_STEP.finditer(raw), None]:
        text = raw[at : found.start() if found else len(raw)]
        for character in text:
            if column == columns:
                row, column = row + 1, 0
            while len(lines) <= row:
                lines.append("")
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
        if found is None:
            break
        at = found.end()
        if found[4]:
            column = 0
        elif found[5]:
            row, column = row + 1, 0
        elif found[3] == "A":
            row = max(0, row - int(found[2] or 1))
        elif found[3] == "K" and row < len(lines):
            lines[row] = "" if found[2] == "2" else lines[row][:column]
    return [line.rstrip() for line in lines]
