"""Commands that are asked to end say so in one line, at any moment, also from within native code."""

import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dust3r_sfm.cli.interruption import run_interruptibly

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

# What Python itself needs to start is not in our hands: the programs begin where ours does.
START = "import sys, threading, signal, contextlib, typing; print('started', flush=True)\n"
DUST3R_SFM = START + "from dust3r_sfm.cli import main; sys.exit(main())"
NERFSTUDIO = START + "from dust3r_sfm_nerfstudio.standalone import main; main()"
IN_NATIVE_CODE = (
    "import hashlib, sys; import dust3r_sfm.cli.interruption as module; module.{field} = 0.3\n"
    "def work():\n"
    "    print('started', flush=True)\n"
    "    hashlib.pbkdf2_hmac('sha256', b'long', b'work', 2_000_000_000)\n"
    "sys.exit(module.run_interruptibly(work, last=True))"
)


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("most_s", [0.3, 3.0])
def test_at_any_moment_of_the_start(number: signal.Signals, code: int, most_s: float) -> None:
    moments = random.Random(f"{number} {most_s}")
    for _ in range(3):
        process = start(DUST3R_SFM, "version")
        time.sleep(moments.uniform(0.02, most_s))
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        if process.returncode == 0:
            assert (out.splitlines()[0].split()[0], err) == ("dust3r-sfm", ""), "it was done already"
        elif process.returncode == -number:
            assert err == "", "it was about to end"
        else:
            assert (process.returncode, err) == (code, "stopped\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nerfstudio_s_command_too(tmp_path: Path, number: signal.Signals, code: int) -> None:
    arguments = ["--data", str(tmp_path / "none"), "--output-dir", str(tmp_path / "out")]
    process = start(NERFSTUDIO, *arguments)
    time.sleep(0.2)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.lower()[:7]) == (code, "stopped")
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_a_library_swallows_ends_it_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    def work(code: int) -> int:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return code

    assert run_interruptibly(lambda: work(2)) == 130
    assert capsys.readouterr().err == "stopped\n"
    assert run_interruptibly(lambda: work(0)) == 0, "it was done"


@pytest.mark.parametrize("times", [1, 2])
def test_native_code_does_not_hold_the_end_up(times: int) -> None:
    field = "MOST_S" if times == 1 else "AGAIN_S"
    process = start(IN_NATIVE_CODE.format(field=field))
    for _ in range(times):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
    _, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (143, "stopped\n")


def test_what_is_ignored_stays_ignored() -> None:
    """As nohup, and shells for what runs in the background, ask for."""
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + DUST3R_SFM
    process = start(program, "version")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("dust3r-sfm")


def test_handlers_are_put_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    assert run_interruptibly(lambda: 7) == 7
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.set_wakeup_fd(wakeup) == wakeup


def test_a_second_signal_does_not_disturb_the_cleaning_up(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned = []

    def work() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(10)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append(True)
        return 0

    assert run_interruptibly(work) == 143
    assert cleaned == [True]
    assert capsys.readouterr().err == "stopped\n"
