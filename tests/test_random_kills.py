"""Commands on photos, ended again and again at random moments and taken up each time: what comes of it is
what an undisturbed run gives, and nothing is left outside the output.

`pytest -m slow tests/test_random_kills.py --kill-rounds 20` tries more moments than the gate has time for."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dust3r_sfm.cli import main
from dust3r_sfm.pipeline.output import RESULTS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix"),
]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
DONE = (0, 5)
CONVERT = ["-c", "from dust3r_sfm_nerfstudio.standalone import main; main()"]


@dataclass(frozen=True)
class Undisturbed:
    """What runs that nothing ends give, and how long they take."""

    folder: Path
    seconds: float

    @property
    def photos(self) -> Path:
        return self.folder / "example" / "images"

    @property
    def out(self) -> Path:
        return self.folder / "out"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main(["example", str(folder / "example"), "--count", "4", "--width", "320"]) == 0
    found = Undisturbed(folder, 0.0)
    started = time.monotonic()
    code, said = run_whole(reconstruct(found, found.out), folder / "tmp")
    assert code in DONE, said
    return Undisturbed(folder, time.monotonic() - started)


def reconstruct(undisturbed: Undisturbed, out: Path) -> list[str]:
    return ["reconstruct", str(undisturbed.photos), str(out), "--regressor", "stereo", "--features", "sift"]


def start(arguments: list[str], temporary: Path) -> subprocess.Popen[str]:
    temporary.mkdir(exist_ok=True)
    program = CONVERT if arguments[0] == "--data" else ["-m", "dust3r_sfm.cli"]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_whole(arguments: list[str], temporary: Path) -> tuple[int, str]:
    process = start(arguments, temporary)
    _, err = process.communicate(timeout=600)
    return process.returncode, err


def disturb(arguments: list[str], temporary: Path, after_s: float, number: signal.Signals) -> int:
    """The exit code of a run that is ended after so long, unless it has ended itself."""
    process = start(arguments, temporary)
    time.sleep(after_s)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err, err
    assert "***" not in err, "pycolmap prints a native stack"
    assert process.returncode in (-number, 128 + number, *DONE), err
    assert list(temporary.iterdir()) == [], "something is left in the temporary folder"
    return process.returncode


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.stem != "report" and ".localization" not in path.parts
    }


def test_reconstruct(undisturbed: Undisturbed, tmp_path: Path, kill_round: int) -> None:
    moments, out = random.Random(kill_round), tmp_path / "out"
    for number in moments.sample(SIGNALS, 3):
        again = ["--resume"] if (out / ".work").exists() else []
        after_s = moments.uniform(0.1, 0.9) * undisturbed.seconds
        code = disturb([*reconstruct(undisturbed, out), *again], tmp_path / "tmp", after_s, number)
        if code in DONE:
            break
        left, whole = (
            {path.name for path in out.iterdir()} if out.exists() else set(),
            {*RESULTS} - {"components"},
        )
        # A kill may come when all is done but the process's own end.
        if left == whole:
            break
        # Or when results have been moved and the work folder is still there.
        assert left <= {".work"} or left == {".work", *whole}
    else:
        again = ["--resume"] if (out / ".work").exists() else []
        code, said = run_whole([*reconstruct(undisturbed, out), *again], tmp_path / "tmp")
        assert code in DONE, said
    assert files_below(out) == files_below(undisturbed.out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "tmp"]


def test_localize(undisturbed: Undisturbed, tmp_path: Path, kill_round: int) -> None:
    moments, temporary = random.Random(kill_round), tmp_path / "tmp"
    before = files_below(undisturbed.out)
    words = ["--regressor", "stereo", "--features", "sift", "--output"]
    command = ["localize", str(undisturbed.out), str(undisturbed.photos), *words]
    started = time.monotonic()
    alone = ["--prepare", str(tmp_path / "alone")]
    assert run_whole([*command, str(tmp_path / "whole.txt"), *alone], temporary)[0] == 0
    seconds = time.monotonic() - started
    for number in SIGNALS:
        disturb(
            [*command, str(tmp_path / "poses.txt")], temporary, moments.uniform(0.1, 0.9) * seconds, number
        )
    code, said = run_whole([*command, str(tmp_path / "poses.txt")], temporary)
    assert code == 0, said
    assert (tmp_path / "poses.txt").read_text() == (tmp_path / "whole.txt").read_text()
    assert files_below(undisturbed.out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "poses.txt", "tmp", "whole.txt"]


def test_export(undisturbed: Undisturbed, tmp_path: Path, kill_round: int) -> None:
    moments, temporary = random.Random(kill_round), tmp_path / "tmp"
    command = ["export", str(undisturbed.out), "--format", "nerfstudio", "--quiet", "--output"]
    started = time.monotonic()
    assert run_whole([*command, str(tmp_path / "whole")], temporary)[0] == 0
    seconds = time.monotonic() - started
    for number in SIGNALS:
        code = disturb(
            [*command, str(tmp_path / "new")], temporary, moments.uniform(0.3, 1.0) * seconds, number
        )
        # A kill may come when all is done.
        assert code != 0 or (tmp_path / "new").exists()
        if (tmp_path / "new").exists():
            break
    else:
        assert run_whole([*command, str(tmp_path / "new")], temporary)[0] == 0
    assert files_below(tmp_path / "new") == files_below(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "tmp", "whole"]


def test_ns_process_dust3r(undisturbed: Undisturbed, tmp_path: Path, kill_round: int) -> None:
    moments, temporary = random.Random(kill_round), tmp_path / "tmp"
    command = ["--data", str(undisturbed.photos), "--regressor", "stereo", "--output-dir"]
    started = time.monotonic()
    code, said = run_whole([*command, str(tmp_path / "whole")], temporary)
    assert code in DONE, said
    seconds = time.monotonic() - started
    for number in moments.sample(SIGNALS, 3):
        after_s = moments.uniform(0.1, 0.9) * seconds
        if disturb([*command, str(tmp_path / "new")], temporary, after_s, number) in DONE:
            break
    else:
        code, said = run_whole([*command, str(tmp_path / "new")], temporary)
        assert code in DONE, said
    assert files_below(tmp_path / "new") == files_below(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "tmp", "whole"]
