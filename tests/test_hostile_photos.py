"""Folders as people have them, through whole commands: files are used or named, nothing steers a terminal."""

import json
import os
from pathlib import Path

import pytest
from dust3r_sfm_nerfstudio.inputs import gather
from dust3r_sfm_nerfstudio.options import ProcessOptions
from known_room import LookupRegressor, Room, make_room

from dust3r_sfm.cli import main
from dust3r_sfm.errors import InputError
from dust3r_sfm.pipeline.localization.inputs import find_queries
from dust3r_sfm.progress import Silent

COUNT = 3


@pytest.fixture(scope="session")
def room() -> Room:
    return make_room("hall", 1, COUNT)


@pytest.fixture
def photos(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a room that its regressor knows by heart."""
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    monkeypatch.setattr("dust3r_sfm.pipeline.regressors.cached_path", lambda name: None)
    room.write(tmp_path / "photos")
    return tmp_path / "photos"


def test_what_is_no_photo_is_named_and_counted(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = next(path for path in sorted(photos.rglob("*")) if path.is_file()).read_bytes()
    (photos / "\x1b[31mred\x07.png").write_bytes(picture)
    Path(os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png")).write_bytes(picture)
    (photos / "IMG.CR2").write_bytes(b"II*\0")
    (photos / "\x1b[2Jnotes.txt").write_text("bring milk")
    (photos / "@eaDir").mkdir()
    assert main(["reconstruct", str(photos), str(tmp_path / "out")]) == 0
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert out.startswith(f"{COUNT} of {COUNT + 3} images registered")
    for shown in (r"\x1b[31mred\x07.png", r"caf\xe9.png", "IMG.CR2"):
        assert f"skipped {shown}: " in err
        assert f"left out {shown}: " in out
    assert r"passed over 2 other files: no picture, by its name: \x1b[2Jnotes.txt; a folder of the" in out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["passed_over"].keys() == {"\x1b[2Jnotes.txt", "@eaDir/"}
    assert report["totals"]["passed_over"] == 2
    assert report["totals"]["images"] == COUNT + 3


def test_a_name_that_cannot_be_written_is_named_where_no_model_comes(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in sorted((photos / "hall").iterdir())[1:]:
        path.unlink()
    picture = (photos / "hall" / "0.png").read_bytes()
    for name in (b"again.png", b"caf\xe9.png"):
        Path(os.fsdecode(os.fsencode(photos) + b"/" + name)).write_bytes(picture)
    assert main(["reconstruct", str(photos), str(tmp_path / "out"), "--quiet"]) == 4
    assert (
        r"Not used at all: its name is not UTF-8, which models and JSON files need; rename it: caf\xe9.png"
        in (capfd.readouterr().err)
    )


def test_an_error_does_not_steer_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["reconstruct", str(tmp_path / "\x1b[2Jlost"), str(tmp_path / "out")]) == 2
    assert r"\x1b[2Jlost: does not exist" in capfd.readouterr().err


def test_photos_to_localize_whose_names_cannot_be_written(tmp_path: Path) -> None:
    names = ["a.jpg", "two\nlines.jpg", os.fsdecode(b"caf\xe9.jpg")]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    found = find_queries(tmp_path)
    assert list(found.files) == ["a.jpg"]
    assert found.unusable.keys() == set(names[1:])


def test_a_folder_of_raw_files_to_localize_says_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.NEF").write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"holds no photos \(raw sensor data.*: a\.NEF\)"):
        find_queries(tmp_path)


def test_nerfstudio_numbers_photos_in_their_natural_order(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for k in range(1, 12):
        (tmp_path / "photos" / f"{k}.jpg").write_bytes(b"")
    (tmp_path / "photos" / "IMG.DNG").write_bytes(b"")
    command = ProcessOptions(tmp_path / "photos", tmp_path / "out", eval_data=None)
    stems = gather(command, tmp_path / "frames", Silent()).stems
    assert stems == {f"{k}.jpg": f"frame_{k:05d}" for k in range(1, 12)}


def test_positions_that_do_not_fit_are_said_aloud(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "positions.txt"
    # Any two of them can be met exactly, which says nothing of a turn.
    file.write_text("hall/0.png 0 0 0\nhall/1.png 90 3 0\nhall/2.png 1 0 50\n")
    assert main(["reconstruct", str(photos), str(tmp_path / "out"), "--positions", str(file), "--quiet"]) == 5
    out, err = capfd.readouterr()
    assert "sparse/0 is in a unit of its own: of the positions of 3 photos 2 fit its cameras" in out
    assert err.startswith("error: ")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["scenes"][0]["unit"] == "a unit of its own"
    assert "2 fit" in report["scenes"][0]["unplaced"]


def test_a_focal_in_millimetres_is_no_focal_in_pixels(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["reconstruct", str(photos), str(tmp_path / "out"), "--focal", "4.25"]) == 2
    assert "4.25 pixels, which no lens has for photos of 96x72" in capfd.readouterr().err
