"""Real processes, ended by real signals in the middle of a run, and resumed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from known_room import LookupRegressor, make_room

from dust3r_sfm.cli import main

PROGRAM = """
import sys, time
sys.path.insert(0, {tests!r})
import dust3r_sfm.pipeline.job as job
import dust3r_sfm.pipeline.results as results
from dust3r_sfm.cli import main
from known_room import LookupRegressor, make_room

regressor = LookupRegressor((make_room("hall", 1, 4),), pause_s={pause_s})
job.build_regressor = lambda config: regressor
if {hang_in_export}:
    results.write_report = lambda *arguments: time.sleep(60)
sys.exit(main(sys.argv[1:]))
"""


def program(pause_s: float, hang_in_export: bool) -> str:
    tests = str(Path(__file__).parent)
    return PROGRAM.format(tests=tests, pause_s=pause_s, hang_in_export=hang_in_export)


def wait_for(process: subprocess.Popen[str], folder: Path, pattern: str, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(folder.glob(pattern))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the run never came so far"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos, and in `out` beside it what a run gives that nothing ends."""
    room, folder = make_room("hall", 1, 4), tmp_path_factory.mktemp("undisturbed")
    room.write(folder / "photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
        assert main(["reconstruct", str(folder / "photos"), str(folder / "out")]) == 0
    return folder


@pytest.mark.parametrize(
    ("hang_in_export", "pattern", "count", "number"),
    [
        (False, "pairs/*.safetensors", 3, signal.SIGTERM),
        pytest.param(*(False, "pairs/*.safetensors", 3, signal.SIGKILL), marks=pytest.mark.slow),
        pytest.param(*(False, "pairs/*.safetensors", 5, signal.SIGINT), marks=pytest.mark.slow),
        pytest.param(*(True, ".results.partial-*/scene.npz", 1, signal.SIGKILL), marks=pytest.mark.slow),
        pytest.param(*(True, ".results.partial-*/scene.npz", 1, signal.SIGTERM), marks=pytest.mark.slow),
    ],
    ids=["inference-term", "inference-kill", "inference-int", "export-kill", "export-term"],
)
def test_a_killed_run_is_resumed_and_equal_to_an_undisturbed_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: Path,
    hang_in_export: bool,
    pattern: str,
    count: int,
    number: signal.Signals,
) -> None:
    room = make_room("hall", 1, 4)
    command = ["reconstruct", str(undisturbed / "photos"), str(tmp_path / "out")]
    source = program(0.0 if hang_in_export else 0.5, hang_in_export)
    process = subprocess.Popen(
        [sys.executable, "-c", source, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(process, tmp_path / "out" / ".work", pattern, count)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert out == ""
    if number is signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert err.splitlines()[-1] == "stopped; continue with the same command and --resume"
    assert "Traceback" not in err
    assert "***" not in err, "pycolmap prints a native stack"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".work"]
    again = LookupRegressor((room,))
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: again)
    assert main([*command, "--resume"]) == 0
    assert len(again.predicted) <= 12 - count if not hang_in_export else not again.predicted
    written = sorted((tmp_path / "out").rglob("*.*"))
    assert len(written) > 10
    for path in written:
        if path.is_file() and path.name != "report.json":
            same = undisturbed / "out" / path.relative_to(tmp_path / "out")
            assert path.read_bytes() == same.read_bytes(), path.name
