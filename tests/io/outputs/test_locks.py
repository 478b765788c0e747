"""A lock keeps others out, says who has it, and goes with its process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.locks import check_free, take_lock

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="locks of Unix")

HOLDER = (
    "import sys, time; from pathlib import Path; from dust3r_sfm.io.outputs.locks import take_lock\n"
    "lock = take_lock(Path(sys.argv[1]), Path('OUT')); print('held', flush=True); time.sleep(60)"
)
COUNTER = (
    "import sys, time; from pathlib import Path; from dust3r_sfm.io.outputs.locks import take_lock\n"
    "from dust3r_sfm.errors import OutputError\n"
    "file, count = Path(sys.argv[1]), Path(sys.argv[2])\n"
    "done = 0\n"
    "while done < 50:\n"
    "    try:\n"
    "        lock = take_lock(file, file.parent)\n"
    "    except OutputError:\n"
    "        continue\n"
    "    before = int(count.read_text()); time.sleep(0.001); count.write_text(str(before + 1))\n"
    "    lock.release(); done += 1\n"
)


def hold(file: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "work" / "lock"
    holder = hold(file)
    said = rf"OUT: another run works there \(process {holder.pid} on \S+, since [-0-9]+ [:0-9]+\); wait until"
    with pytest.raises(OutputError, match=said):
        take_lock(file, Path("OUT"))
    with pytest.raises(OutputError, match=said):
        check_free(file, Path("OUT"))
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert file.exists(), "a kill leaves the file"
    check_free(file, Path("OUT"))
    take_lock(file, Path("OUT")).release()


def test_it_leaves_nothing_and_looking_makes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "work" / "lock"
    check_free(file, tmp_path)
    assert list(tmp_path.iterdir()) == []
    lock = take_lock(file, tmp_path)
    lock.release()
    assert list(tmp_path.iterdir()) == []
    file.parent.mkdir(parents=True)
    (file.parent / "mine").write_text("mine")
    take_lock(file, tmp_path).release()
    assert [path.name for path in file.parent.iterdir()] == ["mine"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic"):
        take_lock(tmp_path / "lock", tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


def test_who_looks_does_not_keep_others_out(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.touch()
    program = (
        "import sys, time; from pathlib import Path; from dust3r_sfm.io.outputs.locks import check_free\n"
        "end = time.monotonic() + 1.5\n"
        "print('looking', flush=True)\n"
        "while time.monotonic() < end: check_free(Path(sys.argv[1]), Path('OUT'))\n"
    )
    looking = subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
    assert looking.stdout is not None
    looking.stdout.readline()
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        handle = os.open(file, os.O_RDWR | os.O_CREAT)
        os.close(handle)
        take_lock(file, tmp_path).release()
    looking.kill()
    looking.communicate()


def test_never_two_at_a_time_though_the_file_goes_each_time(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("0")
    file = tmp_path / "work" / "lock"
    command = [sys.executable, "-c", COUNTER, str(file), str(count)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert count.read_text() == "150"
