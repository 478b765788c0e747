"""The command line as a user meets it: what it says, where, and how it ends."""

import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from known_room import LookupRegressor, Room, make_room
from PIL import Image

from dust3r_sfm.cli import main
from dust3r_sfm.cli.commands import reconstruct_config
from dust3r_sfm.cli.options import Reconstruct, parse
from dust3r_sfm.pipeline.regressors import best_regressor

COUNT = 3
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def room() -> Room:
    return make_room("hall", 1, COUNT)


@pytest.fixture
def photos(room: Room, tmp_path: Path) -> Path:
    room.write(tmp_path / "photos")
    return tmp_path / "photos"


@pytest.fixture
def run(room: Room, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process: exit code, stdout, stderr (native libraries' too)."""
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    monkeypatch.setattr("dust3r_sfm.pipeline.regressors.cached_path", lambda name: None)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return call


def one_error_line(err: str) -> str:
    """The one line that says what is wrong; anything else on stderr must be progress."""
    assert "Traceback" not in err
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, err
    assert err.splitlines()[-1] == errors[0]
    return errors[0]


def jpeg(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> Path:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(path)
    return path


def test_a_reconstruction(photos: Path, tmp_path: Path, run: Run) -> None:
    code, out, err = run("reconstruct", photos, tmp_path / "out")
    assert code == 0, err
    folder = re.escape(str(tmp_path / "out"))
    assert re.fullmatch(
        r"3 of 3 images registered, \d+ points, mean reprojection error \d+\.\d\d px; "
        r"proved: every photo is checked by others\n"
        rf"in {folder}: sparse/0 \(COLMAP\), points\.ply, .*\n"
        rf"to see it: open {folder}/report\.html in a browser\n"
        rf"to look around: dust3r-sfm view {folder}\n"
        rf"to train a splat: dust3r-sfm export {folder} --format nerfstudio .*\n"
        rf"for other programs: dust3r-sfm export {folder} .*\n",
        out,
    )
    lines = err.splitlines()
    assert lines[:2] == ["Reading photos: 3 photos", lines[1]]
    assert lines[1].startswith("regressor stereo: the embedded one")
    assert lines[2].startswith("3 images, 3 pairs, regressor lookup")
    assert {"Encoding: 3 images", "Predicting: 6 pairs", "Exporting: 5 files"} <= set(lines)
    assert (tmp_path / "out" / "sparse" / "0" / "images.bin").exists()


def test_what_the_regressor_is_comes_after_errors_of_input(tmp_path: Path, run: Run) -> None:
    assert best_regressor().reason
    (tmp_path / "list.txt").write_text("a.jpg")
    for words in (
        ("reconstruct", tmp_path / "lost", tmp_path / "out"),
        ("localize", tmp_path / "lost", tmp_path / "list.txt", "--output", tmp_path / "poses.txt"),
    ):
        code, _, err = run(*words)
        assert code == 2
        assert len(err.splitlines()) == 1


def test_resuming_where_nothing_is_says_so(photos: Path, tmp_path: Path, run: Run) -> None:
    said = f"{tmp_path / 'out'}: holds no unfinished run; this one begins anew"
    code, _, err = run("reconstruct", photos, tmp_path / "out", "--resume", "--keep-work")
    assert code == 0, err
    assert said in err.splitlines()
    for option in ("--resume", "--overwrite"):
        code, _, err = run("reconstruct", photos, tmp_path / "out", option, "--keep-work")
        assert code == 0, err
        assert said not in err.splitlines()


def test_a_name_that_no_system_takes_is_an_output_error(photos: Path, tmp_path: Path, run: Run) -> None:
    for options in ((), ("--resume",)):
        code, _, err = run("reconstruct", photos, tmp_path / ("long" * 100), *options)
        assert code == 3
        assert "choose another output" in err


def test_quiet_says_only_the_result(photos: Path, tmp_path: Path, run: Run) -> None:
    code, out, err = run("reconstruct", photos, tmp_path / "out", "--quiet")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 2


def test_the_report_for_people_can_be_left_out(photos: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    code, said, err = run("reconstruct", photos, out)
    assert code == 0, err
    assert "report.json, report.html\n" in said
    assert (out / "report.html").exists()
    code, said, err = run("reconstruct", photos, out, "--overwrite", "--no-report-html")
    assert code == 0, err
    assert "report.json\n" in said
    assert "report.html" not in said
    assert not (out / "report.html").exists()
    asked = json.loads((out / "report.json").read_text())["run"]["command"]
    assert shlex.split(asked) == [
        "dust3r-sfm",
        "reconstruct",
        str(photos),
        str(out),
        "--overwrite",
        "--no-report-html",
    ]


def empty(folder: Path) -> None:
    pass


def one_image(folder: Path) -> None:
    jpeg(folder / "a.jpg")


def only_text(folder: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_text("not a picture")


def zero_bytes(folder: Path) -> None:
    jpeg(folder / "a.jpg")
    (folder / "b.jpg").write_bytes(b"")


def one_pixel(folder: Path) -> None:
    jpeg(folder / "a.jpg")
    jpeg(folder / "b.jpg", 1, 1)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (empty, "photos"),
        (one_image, "a.jpg|1 "),
        (only_text, "a.jpg.*b.jpg"),
        (zero_bytes, "b.jpg"),
    ],
)
def test_unusable_photos(tmp_path: Path, run: Run, prepare: Callable[[Path], None], says: str) -> None:
    (tmp_path / "photos").mkdir()
    prepare(tmp_path / "photos")
    code, out, err = run("reconstruct", tmp_path / "photos", tmp_path / "out", "--quiet")
    assert (code, out) == (2, "")
    assert re.search(says, one_error_line(err)), err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("prepare", [zero_bytes, one_pixel, only_text])
def test_unusable_photos_among_good_ones_are_left_out(
    photos: Path, tmp_path: Path, run: Run, prepare: Callable[[Path], None]
) -> None:
    prepare(photos)
    whole = jpeg(photos / "torn.jpg", seed=3).read_bytes()
    (photos / "torn.jpg").write_bytes(whole[: len(whole) // 2])
    code, out, err = run("reconstruct", photos, tmp_path / "out")
    assert code == 0, err
    assert "left out torn.jpg: " in out
    assert "left out b.jpg: " in out
    assert out.startswith(f"{COUNT} of ")


def test_two_identical_photos_give_no_model(room: Room, tmp_path: Path, run: Run) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(room.images[0]).save(tmp_path / "photos" / name)
    code, out, err = run("reconstruct", tmp_path / "photos", tmp_path / "out", "--quiet")
    assert (code, out) == (4, "")
    assert "no model" in one_error_line(err)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["PHOTOS", "FILE"], 3, "is a file"),
        (["PHOTOS", "FILE/out"], 3, "is a file"),
        (["PHOTOS", "PHOTOS/out"], 3, "lies in the photo folder"),
        (["PHOTOS", "TAKEN"], 3, "--overwrite"),
        (["PHOTOS", "TAKEN", "--resume"], 3, "no unfinished run"),
        (["PHOTOS", "OUT", "--resume", "--overwrite"], 2, "exclude each other"),
        (["PHOTOS", "OUT", "--pairs", "swin-x"], 2, "--pairs swin-x"),
        (["PHOTOS", "OUT", "--pairs", "swin-0"], 2, "swin-0"),
        (["PHOTOS", "OUT", "--pairs", "oneref-9"], 2, "9"),
        (["PHOTOS", "OUT", "--max-points", "-1"], 2, "--max-points -1"),
        pytest.param(
            *(["PHOTOS", "OUT", "--device", "cuda"], 2, "--device cpu"),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="cuda can be had here"),
        ),
        (["PHOTOS", "OUT", "--masks", "OUT/none"], 2, "none"),
        (["PHOTOS", "OUT", "--focal", "-3"], 2, "-3.0 pixels"),
        (["PHOTOS", "OUT", "--known-cameras", "OUT/none"], 2, "none"),
        (["PHOTOS", "OUT", "--known-poses", "OUT/none"], 2, "none"),
        (["PHOTOS", "OUT", "--positions", "OUT/none"], 2, "none"),
        (["PHOTOS", "OUT", "--gps"], 2, "have a position"),
        (["PHOTOS", "OUT", "--distance", "x.jpg", "y.jpg", "2"], 2, "x.jpg is no photo"),
        (["PHOTOS", "OUT", "--max-memory", "0.1"], 2, "0.1 may be used"),
        (["PHOTOS/none", "OUT"], 2, "none"),
        (["FILE", "OUT"], 2, "FILE"),
    ],
)
def test_what_is_refused(
    photos: Path, tmp_path: Path, run: Run, arguments: list[str], code: int, says: str
) -> None:
    photos.rename(tmp_path / "PHOTOS")
    (tmp_path / "FILE").write_text("mine")
    (tmp_path / "TAKEN").mkdir()
    (tmp_path / "TAKEN" / "mine.txt").write_text("mine")
    paths = [
        str(tmp_path / a) if a.split("/")[0] in ("PHOTOS", "FILE", "TAKEN", "OUT") else a for a in arguments
    ]
    found, out, err = run("reconstruct", *paths)
    assert (found, out) == (code, "")
    assert says in one_error_line(err)
    assert {path.name for path in tmp_path.iterdir()} == {"PHOTOS", "FILE", "TAKEN"}
    assert {path.name for path in (tmp_path / "TAKEN").iterdir()} == {"mine.txt"}


def test_ctrl_c(photos: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dust3r_sfm.pipeline.scenes.measure_pairs", interrupted)
    code, out, err = run("reconstruct", photos, tmp_path / "out")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "stopped; continue with the same command and --resume"


def test_names_of_any_bytes_can_be_printed(photos: Path, tmp_path: Path, run: Run) -> None:
    Path(os.fsdecode(os.fsencode(photos) + b"/\xff[bold].jpg")).write_bytes(b"")
    code, out, err = run("reconstruct", photos, tmp_path / "out")
    assert code == 0, err
    assert r"left out \xff[bold].jpg: " in out


def test_an_example(tmp_path: Path, run: Run) -> None:
    out_folder = tmp_path / "example"
    code, out, err = run("example", out_folder, "--count", "2", "--width", "64")
    assert code == 0, err
    assert {path.name for path in (out_folder / "images").iterdir()} == {"00.jpg", "01.jpg"}
    assert (
        out.splitlines()[0]
        == f"2 photos in {out_folder / 'images'}, their true cameras in {out_folder / 'gt'}"
    )
    code, out, err = run("example", out_folder)
    assert (code, out) == (3, "")
    assert "is not empty" in one_error_line(err)
    code, _, err = run("example", tmp_path / "other", "--count", "1")
    assert code == 2
    assert "--count 1" in one_error_line(err)
    assert {path.name for path in tmp_path.iterdir()} == {"example"}


def test_version(run: Run) -> None:
    code, out, _ = run("version")
    assert code == 0
    assert re.match(r"dust3r-sfm .+\n", out)
    assert "\ntorch 2" in out


@pytest.mark.parametrize(("given", "budget"), [("70", 70), ("all", None)])
def test_the_budget_of_points(given: str, budget: int | None) -> None:
    command = parse(["reconstruct", "a", "b", "--max-points", given])
    assert isinstance(command, Reconstruct)
    assert reconstruct_config(command, "stereo").export.colmap.max_points == budget


def test_unknown_options_end_with_2(run: Run) -> None:
    code, out, err = run("reconstruct", "a", "b", "--fast")
    assert (code, out) == (2, "")
    assert "--fast" in err


HELP = """\
usage: dust3r-sfm reconstruct [-h] [RECONSTRUCT OPTIONS] PHOTOS OUT

Turn a folder of photos into cameras, depth and a COLMAP model.

examples:
  dust3r-sfm reconstruct photos/ out/
  dust3r-sfm reconstruct frames/ out/ --pairs swin-5-noncyclic --cameras shared
  dust3r-sfm reconstruct photos/ out/ --resume      (after an interrupted run)

exit codes:
  0 a model was written     2 unusable photos or options     3 unusable output folder
  4 no model came out       5 a model was written that is weak: see its verdict
  130 stopped by Ctrl-C, 143 by SIGTERM
  1 the system gave up (full disk, memory)
"""
OPTIONS = (
    "masks pairs cameras fast-above focal known-cameras known-poses positions gps distance "
    "regressor features device dtype batch-size compile seed alignment max-memory max-points up sky "
    "overwrite resume keep-work no-report-html quiet progress log-file"
)


def test_help_of_reconstruct(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = run("reconstruct", "--help")
    assert (code, err) == (0, "")
    assert out.startswith(HELP)
    assert re.findall(r"^│ --([a-z-]+)", out, re.MULTILINE) == OPTIONS.split()


def test_help_names_the_commands(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert re.findall(r"• (\w+)", out) == [
        *("reconstruct", "export", "localize", "view", "demo", "frames"),
        *("example", "evaluate", "models", "version"),
    ]
