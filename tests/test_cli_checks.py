"""Numbers and paths that no command takes, whatever it would do with them."""

from pathlib import Path

import pytest

from dust3r_sfm.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["reconstruct", "photos", "out", "--seed", "-1"],
            "--seed -1: give a whole number from 0 to 4294967295",
        ),
        (["reconstruct", "photos", "out", "--seed", str(2**32)], "--seed 4294967296"),
        (["reconstruct", "photos", "out", "--focal", "nan"], "--focal nan: give a number that is finite"),
        (["reconstruct", "photos", "out", "--max-memory", "inf"], "--max-memory inf"),
        (["reconstruct", "photos", "out", "--distance", "a", "b", "nan"], "nan"),
        (["evaluate", "a", "b", "--unit-cm", "nan"], "--unit-cm nan"),
        (["localize", "a", "b", "--output", "c", "--seed", "-7"], "--seed -7"),
        (["example", "out", "--seed", "-1"], "--seed -1"),
    ],
)
def test_refused(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capfd.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["reconstruct", "loop", "out"],
        ["reconstruct", "photos", "loop"],
        ["reconstruct", "photos", "out", "--known-poses", "loop"],
        ["localize", "photos", "loop", "--output", "x"],
        ["evaluate", "loop", "photos"],
        ["example", "loop"],
    ],
)
def test_links_in_a_circle(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert main(arguments) == 2
    assert capfd.readouterr().err == "error: loop: is a link that leads in a circle; give another path\n"
