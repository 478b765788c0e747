"""What `reconstruct` reads it does not write over, nor does what it takes away hold any of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from known_room import LookupRegressor, make_room

from dust3r_sfm.cli import main

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """On photos/ into out/, which a former run has filled: code and last line of stderr."""
    room = make_room("hall", 1, 4)
    room.write(tmp_path / "photos")
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    model = tmp_path / "out" / "sparse" / "0"
    model.mkdir(parents=True)
    for name in ("cameras.txt", "images.txt", "points3D.txt"):
        (model / name).write_text("# mine\n")

    def call(*words: str, photos: str = "photos") -> tuple[int, str]:
        places = [str(tmp_path / word) if word[0] not in "-0" else word for word in words]
        code = main(["reconstruct", str(tmp_path / photos), str(tmp_path / "out"), "--overwrite", *places])
        return code, capfd.readouterr().err.splitlines()[-1]

    return call


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (("--known-poses", "out"), "the file of known poses"),
        (("--known-poses", "out/sparse/0"), "the file of known poses"),
        (("--known-cameras", "out/sparse/0/cameras.txt"), "the file of known cameras"),
        (("--positions", "out/depth/positions.txt"), "the file of positions"),
        (("--masks", "out/depth"), "the folder of masks"),
        (("--positions", "linked.txt"), "the file of positions"),
    ],
)
def test_options_that_name_results(run: Run, tmp_path: Path, words: tuple[str, ...], called: str) -> None:
    (tmp_path / "out" / "depth").mkdir()
    (tmp_path / "out" / "depth" / "positions.txt").write_text("mine")
    (tmp_path / "linked.txt").symlink_to(tmp_path / "out" / "depth" / "positions.txt")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, said = run(*words)
    assert code == 3, said
    assert called in said
    assert "which would be replaced; choose another output" in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("photos", ["out/depth", "links"])
def test_photos_among_the_results(run: Run, tmp_path: Path, photos: str) -> None:
    mine = tmp_path / "out" / "depth"
    (tmp_path / "photos" / "hall").rename(mine)
    (tmp_path / "links").mkdir()
    for path in mine.iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, said = run(photos=photos)
    assert code == 3, said
    assert "a photo" in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_run_beside_them_goes_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / "mine").mkdir()
    (tmp_path / "photos" / "hall").rename(tmp_path / "out" / "mine" / "hall")
    code, said = run(photos="out/mine")
    assert code == 0, said
    assert len(list((tmp_path / "out" / "mine" / "hall").iterdir())) == 4
