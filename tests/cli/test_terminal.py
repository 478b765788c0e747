"""What people see: on terminals of several widths, in pipes, and when they want to hear nothing."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import room_command
from known_room import LookupRegressor, make_room
from terminal import PROGRAM, run_in_terminal, screen

from dust3r_sfm.cli import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    make_room("hall", 1, 3).write(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.mark.parametrize("columns", [80, 40])
def test_a_run_on_a_terminal(photos: Path, columns: int) -> None:
    out = photos.parent / "o"
    found = run_in_terminal(columns, "reconstruct", photos, out, program=room_command.program())
    assert found.code == 0, found.raw
    assert max(map(len, found.lines)) <= columns
    text = " ".join(found.lines)
    assert "Starting" not in text
    stages = [line.split("  ")[0] for line in found.lines if "6/6" in line or "3/3" in line]
    assert stages[:2] == ["Reading photos", "Encoding"]
    assert ("━" in text) == (columns == 80)
    assert "pairs/s" in text or columns == 40
    # Lines are broken between words, and what is there to be copied only where the terminal has to.
    assert any(line.startswith("3 of 3 images registered, ") for line in found.lines)
    assert f"to train a splat: dust3r-sfm export {out} --format nerfstudio" in "".join(
        line.ljust(columns) for line in found.lines
    )
    assert found.raw.rstrip().rfind("\x1b[?25h") > found.raw.rfind("\x1b[?25l"), "the cursor is back"


@pytest.mark.parametrize("columns", [80, 40])
def test_nerfstudio_s_command_on_a_terminal(photos: Path, columns: int) -> None:
    program = room_command.program().replace(
        "from dust3r_sfm.cli import main", "from dust3r_sfm_nerfstudio.standalone import main"
    )
    words = ("--data", photos, "--output-dir", photos.parent / "o", "--num-downscales", "0")
    found = run_in_terminal(columns, *words, program=program)
    assert found.code == 0, found.raw
    assert max(map(len, found.lines)) <= columns
    assert any("All DONE" in line and line.startswith("─") and line.endswith("─") for line in found.lines)
    assert "dust3r found poses for all images, CONGRATS!" in " ".join(" ".join(found.lines).split())


def test_a_mistake_on_a_terminal_is_one_line_and_nothing_else() -> None:
    found = run_in_terminal(60, "reconstruct", "/none/photos", "/none/out", program=PROGRAM)
    assert found.code == 2
    lines = [line for line in found.lines if line]
    assert lines[0].startswith("error: /none/photos")
    assert all(not line.startswith(" ") and len(line) <= 60 for line in lines)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(photos: Path) -> None:
    program = "import os; os.environ['TERM'] = 'dumb'\n" + room_command.program()
    found = run_in_terminal(80, "reconstruct", photos, photos.parent / "out", program=program)
    assert found.code == 0, found.raw
    assert "\x1b" not in found.raw
    assert "Encoding: 3 images" in found.lines


def test_a_run_in_a_pipe_has_no_control_codes_and_unbroken_lines(photos: Path) -> None:
    out = photos.parent / ("long" * 30)
    code, said, err = room_command.run("reconstruct", photos, out)
    assert code == 0, err
    assert "\x1b" not in said + err
    assert "\r" not in said + err
    assert f"to see it: open {out}/report.html in a browser" in said.splitlines()
    assert "Encoding: 3 images" in err.splitlines()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """In this process, which is quicker."""
    regressor = LookupRegressor((make_room("hall", 1, 3),))
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: regressor)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        return (main([str(argument) for argument in arguments]), *capfd.readouterr())

    return run


def test_quiet_is_the_same_everywhere(photos: Path, call: Call) -> None:
    folder = photos.parent
    commands = {
        "reconstruct": ((photos, folder / "out"), 2),
        "example": ((folder / "example", "--count", "2", "--width", "64"), 1),
        "export": ((folder / "out", "--format", "nerfstudio", "--output", folder / "new"), 1),
        "evaluate": ((folder / "out", folder / "out"), 6),
    }
    for name, (words, results) in commands.items():
        code, out, err = call(name, *words, "--quiet")
        assert (code, err) == (0, "")
        assert len(out.splitlines()) == results
    for name, wrong in (
        ("reconstruct", (folder / "none", folder / "out2")),
        ("example", (photos,)),
        ("export", (folder / "none", "--format", "ply", "--output", folder / "new2")),
        ("localize", (folder / "none", photos, "--output", folder / "poses.txt")),
        ("evaluate", (folder / "none", folder / "out")),
    ):
        code, out, err = call(name, *wrong, "--quiet")
        assert code in (2, 3)
        assert out == ""
        assert len(err.splitlines()) == 1


def test_quiet_and_progress_contradict_each_other(photos: Path, call: Call) -> None:
    for way in ("json", "bars", "lines"):
        words = ("reconstruct", photos, photos.parent / "out", "--quiet", "--progress", way)
        said = f"error: --quiet and --progress {way} exclude each other: is progress wanted, or not?\n"
        assert call(*words) == (2, "", said)


def test_bars_in_a_pipe_where_they_are_asked_for(photos: Path) -> None:
    code, out, err = room_command.run("reconstruct", photos, photos.parent / "out", "--progress", "bars")
    assert code == 0
    assert "\x1b[2K" in err
    assert "\x1b" not in out


def test_the_cursor_comes_back_where_the_process_has_to_be_ended() -> None:
    program = (
        "import signal, sys, time; import dust3r_sfm.cli.interruption as module; module.MOST_S = 0.3\n"
        "from dust3r_sfm.cli.reporting.text import TextReporter\n"
        "import hashlib, threading, os\n"
        "def work():\n"
        "    reporter = TextReporter(sys.stdout, sys.stderr)\n"
        "    reporter.begin()\n"
        "    reporter.progress.start('Native', 1, 'steps')\n"
        "    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()\n"
        "    hashlib.pbkdf2_hmac('sha256', b'long', b'work', 2_000_000_000)\n"
        "sys.exit(module.run_interruptibly(work, last=True))"
    )
    found = run_in_terminal(80, program=program)
    assert found.code == 143
    assert found.raw.rfind("\x1b[?25h") > found.raw.rfind("\x1b[?25l") >= 0


def test_ctrl_c_leaves_the_terminal_as_it_was(photos: Path) -> None:
    process = room_command.start(
        "reconstruct", photos, photos.parent / "out", "--progress", "bars", pause_s=1.0
    )
    assert process.stderr is not None
    while "Predicting" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.rfind("\x1b[?25h") > err.rfind("\x1b[?25l")
    assert screen(err, 80)[-1] == "" or "stopped" in screen(err, 80)[-1]
    assert "stopped; continue with the same command and --resume" in err


def test_programs_that_read_are_not_needed_to_the_end(photos: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "models"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("name")
