"""--log-file: everything that is said and more, appended, and never over anything that is not a log."""

import logging
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import room_command
from known_room import make_room

from dust3r_sfm.cli import main
from dust3r_sfm.cli.reporting.log_file import FIRST_LINE, LogFile

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (\w+) +(\S.*)")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    make_room("hall", 1, 3).write(tmp_path / "photos")
    return tmp_path / "photos"


def kinds(log: Path) -> list[tuple[str, str]]:
    first, *lines = log.read_text(encoding="utf-8").splitlines()
    assert first == FIRST_LINE
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return [(match[1], match[2]) for match in found if match]


def test_all_that_is_said_is_in_it_and_a_second_run_goes_on(photos: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "run.log"
    code, out, err = room_command.run("reconstruct", photos, tmp_path / "out", "--log-file", log)
    assert code == 0, err
    lines = kinds(log)
    texts = [text for _, text in lines]
    assert set(out.splitlines()) <= set(texts)
    assert set(err.splitlines()) <= set(texts)
    assert lines[0][0] == "command"
    assert str(tmp_path / "out") in lines[0][1]
    assert any(re.fullmatch(r"Encoding: 3 of 3 images in \d+\.\d s", text) for text in texts)
    code, _, _ = room_command.run("reconstruct", photos, tmp_path / "out", "--log-file", log, "--quiet")
    assert code == 3
    more = kinds(log)
    assert more[: len(lines)] == lines
    assert more[-1] == ("error", "exit code 3")
    assert "\x1b" not in log.read_text()


def test_libraries_are_heard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_example(*arguments: object) -> None:
        logging.getLogger("dust3r_sfm.some").info("by the way\nin two lines")
        logging.getLogger("another").warning("beware of \x1b[31m%s", "this")
        Path(str(arguments[0])).mkdir()

    monkeypatch.setattr("dust3r_sfm.cli.commands.write_example", write_example)
    before = logging.getLogger().level, list(logging.getLogger().handlers)
    assert main(["example", str(tmp_path / "out"), "--quiet", "--log-file", str(tmp_path / "log")]) == 0
    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before
    assert capfd.readouterr().err == "beware of \\x1b[31mthis\n"
    lines = kinds(tmp_path / "log")
    assert ("info", "dust3r_sfm.some: by the way") in lines
    assert ("info", "in two lines") in lines
    assert ("warning", r"another: beware of \x1b[31mthis") in lines


@pytest.mark.parametrize(
    "place", ["photos/run.log", "photos/hall/0.png", "out", "out/run.log", "mine.txt", ""]
)
def test_where_a_log_must_not_be(
    photos: Path, tmp_path: Path, place: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("my own words\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    words = ["reconstruct", photos, tmp_path / "out", "--log-file", tmp_path / place]
    assert main([str(word) for word in words]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: --log-file ")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_link_does_not_lead_a_log_into_what_is_read(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(photos)
    words = ["reconstruct", photos, tmp_path / "out", "--log-file", tmp_path / "link" / "run.log"]
    assert main([str(word) for word in words]) == 3
    assert "is or lies in" in capfd.readouterr().err


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "full"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_costs_the_log_alone(full_disk: Path, photos: Path, tmp_path: Path) -> None:
    log = LogFile(full_disk / "log")
    for _ in range(200):
        log.write("remark", "a line like another one")
    log.close()
    assert log.failed is not None
    code, _, err = room_command.run("reconstruct", photos, tmp_path / "out", "--log-file", full_disk / "log")
    assert code == 0, err
    assert "the log is not whole" in err.splitlines()[-1]
