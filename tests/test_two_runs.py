"""Two runs at a time for one output: the second is told who works there, and nothing is lost."""

import subprocess
import sys
from pathlib import Path

import pytest
from known_room import LookupRegressor, make_room
from test_killed_runs import program, wait_for

from dust3r_sfm.cli import main
from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.outputs.locks import take_lock
from dust3r_sfm.pipeline import Existing, reconstruct_all
from dust3r_sfm.pipeline.work_folder import RunRecord, work_folder

RECORD = RunRecord({"a.jpg": "1"}, {"seed": "0"})


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    room = make_room("hall", 1, 4)
    room.write(tmp_path / "photos")
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    return tmp_path / "photos"


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("existing", list(Existing))
def test_a_second_run_is_told_before_its_photos_are_read(tmp_path: Path, existing: Existing) -> None:
    out = tmp_path / "out"
    lock = take_lock(out / ".work" / "lock", out)
    before = files_below(out)
    (tmp_path / "photos").mkdir()
    with pytest.raises(OutputError, match=r"out: another run works there \(process \d+ on .*wait") as refused:
        reconstruct_all(tmp_path / "photos", output=out, existing=existing)
    assert "--resume" not in str(refused.value)
    assert files_below(out) == before
    lock.release()


def test_what_was_finished_meanwhile_stays(tmp_path: Path) -> None:
    """The output was empty when the run began, and another came first."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("of the first")
    for existing, says in ((Existing.REFUSE, "is not empty"), (Existing.RESUME, "no unfinished run")):
        with pytest.raises(OutputError, match=says), work_folder(out, existing, RECORD, keep=False):
            pass
        assert files_below(out) == {"report.json": b"of the first"}


def test_an_interrupted_run_leaves_its_work_and_no_lock(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def interrupted() -> None:
        with work_folder(out, Existing.REFUSE, RECORD, keep=False) as work:
            assert sorted(path.name for path in work.iterdir()) == ["lock", "run.json"]
            (work / "kept").write_text("kept")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(path.name for path in (out / ".work").iterdir()) == ["kept", "run.json"]
    with work_folder(out, Existing.RESUME, RECORD, keep=False) as work:
        assert (work / "kept").exists()
    assert not out.exists(), "nothing came of it, and nothing is left"


@pytest.mark.parametrize("place", [".work", ".work/maps", ".work/pairs/00000_00001.safetensors"])
def test_links_are_not_followed(tmp_path: Path, place: str) -> None:
    mine, out = tmp_path / "mine", tmp_path / "out"
    mine.mkdir()
    for name in ("run.json", "00000_by_00000_00001.safetensors", "photo.jpg"):
        (mine / name).write_text("mine")
    before = files_below(mine)
    if place != ".work":
        with pytest.raises(KeyboardInterrupt), work_folder(out, Existing.REFUSE, RECORD, keep=False):
            raise KeyboardInterrupt
    (out / place).parent.mkdir(parents=True, exist_ok=True)
    (out / place).symlink_to(mine / "photo.jpg" if place.endswith("safetensors") else mine)
    resumed = work_folder(out, Existing.RESUME, RECORD, keep=False)
    with pytest.raises(OutputError, match="is a link, which a run does not follow"), resumed:
        pass
    with work_folder(out, Existing.OVERWRITE, RECORD, keep=False):
        pass
    assert files_below(mine) == before
    assert not out.exists()


@pytest.mark.slow
def test_two_that_overwrite_at_a_time(tmp_path: Path, photos: Path) -> None:
    out = tmp_path / "out"
    command = ["reconstruct", str(photos), str(out), "--overwrite"]
    source = program(0.5, hang_in_export=False)
    first = subprocess.Popen(
        [sys.executable, "-c", source, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(first, out / ".work", "pairs/*.safetensors", 1)
    second = subprocess.run(
        [sys.executable, "-c", source, *command], capture_output=True, text=True, check=False
    )
    assert second.returncode == 3
    assert f"process {first.pid} on" in second.stderr.splitlines()[-1]
    _, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert main(["reconstruct", str(photos), str(tmp_path / "alone")]) == 0
    ours, alone = files_below(out), files_below(tmp_path / "alone")
    assert {**ours, "report.json": b""} == {**alone, "report.json": b""}
