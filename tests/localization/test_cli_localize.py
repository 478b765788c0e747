"""`dust3r-sfm localize` from the outside: files, lines and exit codes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pycolmap
import pytest
from PIL import Image
from posed_room import QUERIES, PosedRoom

from dust3r_sfm.cli import main
from dust3r_sfm.cli.compute import regressor_config
from dust3r_sfm.cli.options import ComputeOptions
from dust3r_sfm.errors import InputError
from dust3r_sfm.io import read_poses
from dust3r_sfm.localization import ReferenceMap
from dust3r_sfm.regressors.stereo import StereoConfig

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*words: object) -> tuple[int, str, str]:
        code = main(["localize", *map(str, words)])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def ready(posed_room: PosedRoom, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the references are kept ready for the command's own settings, and a folder of queries: two that
    can be placed, one that shows nothing, one too small, one corrupt."""
    folder = tmp_path_factory.mktemp("cli")
    queries = folder / "queries"
    queries.mkdir()
    for index in QUERIES:
        shutil.copy(posed_room.photo(index), queries)
    Image.new("RGB", (320, 240), (127, 127, 127)).save(queries / "blank.png")
    Image.new("RGB", (12, 12)).save(queries / "tiny.png")
    (queries / "corrupt.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return folder / "prepared", queries


def test_good_and_bad_photos_together(
    run: Run, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    prepared, queries = ready
    code, out, err = run(
        *(posed_room.model, queries, "--regressor", "stereo", "--prepare", prepared),
        *("--output", tmp_path / "poses.txt", "--json", tmp_path / "facts.json"),
        *("--add-to-model", tmp_path / "model", "--pictures", tmp_path / "pictures"),
    )
    assert code == 0, err
    assert "3 reference photos, no points of their own; 5 photos to localize" in err
    assert "2 of 5 photos localized" in out
    assert "not localized: tiny.png: " in out
    assert "12x12 pixels are too few" in out
    assert "not localized: corrupt.jpg: " in out
    assert "not localized: blank.png: 0 matches with 3D points of 3 references" in out
    poses = read_poses(tmp_path / "poses.txt")
    assert set(poses) == {f"{index}.png" for index in QUERIES}
    for index in QUERIES:
        np.testing.assert_allclose(poses[f"{index}.png"], posed_room.truth(index), atol=0.03)
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert (facts["queries"], facts["localized"]) == (5, 2)
    by_name = {photo["name"]: photo for photo in facts["photos"]}
    assert by_name["1.png"]["focal_from"] == "solved"
    assert by_name["corrupt.jpg"]["reason"]
    assert pycolmap.Reconstruction(str(tmp_path / "model")).num_reg_images() == 5
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["00001_1.png.jpg", "00002_3.png.jpg", "00003_blank.png.jpg"]
    assert Image.open(tmp_path / "pictures" / pictures[0]).size == (640, 240)


def test_a_list_with_cameras(
    run: Run, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    camera = "PINHOLE 320 240 " + " ".join(map(str, posed_room.camera(1).params))
    (posed_room.folder / "images" / "list.txt").write_text(f"1.png {camera}\n3.png\n")
    code, _, _ = run(
        *(posed_room.model, posed_room.folder / "images" / "list.txt", "--regressor", "stereo"),
        *("--prepare", ready[0], "--json", tmp_path / "facts.json", "--quiet"),
    )
    assert code == 0
    photos = json.loads((tmp_path / "facts.json").read_text())["photos"]
    assert [photo["focal_from"] for photo in photos] == ["given", "solved"]


def test_nothing_localized_is_code_4(
    run: Run, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    prepared, queries = ready
    code, out, err = run(
        *(posed_room.model, queries / "blank.png", "--regressor", "stereo", "--prepare", prepared),
        *("--output", tmp_path / "poses.txt"),
    )
    assert code == 4
    assert "not localized: blank.png" in out
    assert "error: none of 1 photos was localized" in err
    assert (tmp_path / "poses.txt").read_text() == ""


def test_no_photo_can_be_read_is_code_2(
    run: Run, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    prepared, queries = ready
    code, _, err = run(
        *(posed_room.model, queries / "corrupt.jpg", "--regressor", "stereo", "--prepare", prepared),
        *("--output", tmp_path / "poses.txt", "--json", tmp_path / "facts.json"),
        *("--pictures", tmp_path / "pictures"),
    )
    assert code == 2
    assert f"error: none of 1 photos can be used: {queries / 'corrupt.jpg'}: " in err
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert [photo["name"] for photo in facts["photos"]] == ["corrupt.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["facts.json"]


@pytest.mark.parametrize("option", ["--output", "--json"])
def test_a_folder_is_never_replaced_by_a_file(
    option: str, run: Run, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "deep" / "notes.txt").write_text("keep")
    code, out, err = run(
        *(posed_room.model, ready[1], "--regressor", "stereo", "--prepare", ready[0]),
        *(option, tmp_path / "mine", "--quiet"),
    )
    assert code == 3
    assert f"error: {tmp_path / 'mine'}: is a folder; name a file" in err
    assert "localized" not in out
    assert (tmp_path / "mine" / "deep" / "notes.txt").read_text() == "keep"


def test_only_preparing(run: Run, posed_room: PosedRoom, ready: tuple[Path, Path]) -> None:
    code, out, _ = run(posed_room.model, "--regressor", "stereo", "--prepare", ready[0])
    assert code == 0
    assert f"prepared, in {ready[0]}" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--output", "p.txt", "--top-k", "0"), "--top-k 0: give 1 or more"),
        (("--output", "p.txt", "--min-inliers", "3"), "--min-inliers 3: three fit anything"),
        (("--output", "p.txt", "--max-error", "2"), "--max-error 2.0: is a share"),
        (("--output", "p.txt", "--intrinsics", "lost.txt"), "lost.txt: cannot be read"),
        (("--output", "p.txt", "--images", "lost"), "was found in lost; say where they are with --images"),
        ((), "where to? give --output"),
    ],
)
def test_unusable_options_are_code_2(
    words: tuple[str, ...], message: str, run: Run, posed_room: PosedRoom, ready: tuple[Path, Path]
) -> None:
    code, _, err = run(posed_room.model, ready[1], "--regressor", "stereo", *words)
    assert code == 2
    assert message in err


@pytest.mark.parametrize("features", ["auto", "sift", "aliked"])
def test_features_are_those_of_stereo(features: Literal["auto", "sift", "aliked"]) -> None:
    options = ComputeOptions(features=features)
    config = regressor_config("stereo", options, "auto")
    assert isinstance(config, StereoConfig)
    assert config.keypoints == features
    if features != "auto":
        with pytest.raises(InputError, match=f"--features {features}: is for stereo"):
            regressor_config("mast3r", options, "auto")


def test_references_are_prepared_once_whatever_is_matched(
    run: Run, posed_room: PosedRoom, ready: tuple[Path, Path]
) -> None:
    words = (posed_room.model, "--regressor", "stereo", "--prepare", ready[0])
    kept = ready[0] / "prepared.safetensors"
    assert run(*words)[0] == 0
    before = kept.stat().st_mtime_ns
    assert run(*words, "--features", "sift")[0] == 0
    assert kept.stat().st_mtime_ns == before


def test_unusable_references_are_code_2(run: Run, ready: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, err = run(tmp_path, ready[1], "--regressor", "stereo", "--output", tmp_path / "poses.txt")
    assert code == 2
    assert "holds no COLMAP model" in err
    assert list(tmp_path.iterdir()) == []


def test_hloc_files(
    prepared: ReferenceMap, posed_room: PosedRoom, ready: tuple[Path, Path], tmp_path: Path
) -> None:
    from dust3r_sfm_hloc import main as hloc_main

    camera = "PINHOLE 320 240 " + " ".join(map(str, posed_room.camera(1).params))
    (tmp_path / "queries.txt").write_text(f"1.png {camera}\n3.png {camera}\n")
    (tmp_path / "pairs.txt").write_text("1.png 0.png\n1.png 2.png\n3.png 4.png\n")
    arguments = (posed_room.model, posed_room.folder / "images", tmp_path / "queries.txt")
    found = hloc_main(*arguments, tmp_path / "pairs.txt", tmp_path / "results.txt", prepared=ready[0])
    assert [attempt.references for attempt in found.attempts] == [("0.png", "2.png"), ("4.png",)]
    poses = read_poses(tmp_path / "results.txt")
    assert set(poses) == {"1.png", "3.png"}
    np.testing.assert_allclose(poses["1.png"], posed_room.truth(1), atol=0.02)


@pytest.mark.parametrize("option", ["--add-to-model", "--pictures"])
def test_a_folder_with_anything_else_in_it_is_left_alone(
    run: Run, ready: tuple[Path, Path], posed_room: PosedRoom, tmp_path: Path, option: str
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    (album / "wedding.png").write_bytes(b"dear")
    code, _, err = run(posed_room.model, ready[1], "--prepare", ready[0], option, album)
    assert code == 3
    assert "wedding.png" in err
    assert (album / "wedding.png").read_bytes() == b"dear"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--output", "QUERY"), "is QUERIES"),
        (("--json", "link.txt"), "is QUERIES"),
        (("--output", "REFERENCE/cameras.txt"), "is a file of the reference"),
        (("--output", "PHOTO"), "is a reference photo"),
        (("--add-to-model", "REFERENCE"), "is the reference"),
        (("--pictures", "PICTURES"), "holds QUERIES"),
        (("--json", "new.txt", "--output", "./new.txt"), "would be written over"),
        (("--add-to-model", "new", "--json", "new/facts.json"), "would be written over"),
        (("--output", "LIST", "--intrinsics", "LIST"), "is --intrinsics"),
    ],
)
def test_what_is_read_is_not_written_over(
    run: Run, posed_room: PosedRoom, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    shutil.copytree(posed_room.folder / "model", tmp_path / "model")
    shutil.copytree(posed_room.folder / "images", tmp_path / "images", ignore=shutil.ignore_patterns("*.txt"))
    # Of the names that --pictures gives.
    (tmp_path / "pictures").mkdir()
    query = tmp_path / "pictures" / "00001_my.jpg"
    Image.open(posed_room.photo(1)).save(query)
    (tmp_path / "link.txt").symlink_to(query)
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 320 240 300 300 160 120\n")
    places = {
        "QUERY": query,
        "REFERENCE": tmp_path / "model",
        "REFERENCE/cameras.txt": tmp_path / "model" / "cameras.txt",
        "PHOTO": tmp_path / "images" / "0.png",
        "PICTURES": tmp_path / "pictures",
        "LIST": tmp_path / "cameras.txt",
    }
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    options = [word if word.startswith("--") else places.get(word, tmp_path / word) for word in words]
    code, _, err = run(tmp_path / "model", query, "--regressor", "stereo", *options)
    assert (code, len(err.splitlines())) == (3, 1), err
    assert message in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
