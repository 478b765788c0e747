"""Photos as people have them, through the whole program with its own regressor: what cannot be used is
said in one line, what can be is reconstructed, and nothing is left half-written."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from rendered_room import RenderedRoom

from dust3r_sfm.cli import main

WIDTH = 160
"""Smaller than the rendered photos: quicker, and still enough."""

Rooms = tuple[RenderedRoom, RenderedRoom]
Ask = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def ask(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Reconstructs tmp_path/photos to tmp_path/out: exit code, stdout, and the lines of stderr."""

    def reconstruct(*options: str, out: str = "out") -> tuple[int, str, list[str]]:
        code = main(["reconstruct", str(tmp_path / "photos"), str(tmp_path / out), *options])
        said, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, said, err.splitlines()

    return reconstruct


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def put(room: RenderedRoom, index: int, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    picture = Image.fromarray(room.images[index])
    picture.resize((WIDTH, WIDTH * 3 // 4), Image.Resampling.LANCZOS).save(path)


def nothing(folder: Path) -> None:
    pass


def one_photo(folder: Path) -> None:
    Image.new("RGB", (64, 48), "grey").save(folder / "a.jpg")


def text(folder: Path) -> None:
    one_photo(folder)
    (folder / "text.jpg").write_text("not a picture")


def zero_bytes(folder: Path) -> None:
    one_photo(folder)
    (folder / "empty.jpg").write_bytes(b"")


def truncated(folder: Path) -> None:
    one_photo(folder)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "torn.jpg")
    whole = (folder / "torn.jpg").read_bytes()
    (folder / "torn.jpg").write_bytes(whole[: len(whole) // 2])


def one_pixel(folder: Path) -> None:
    one_photo(folder)
    Image.new("RGB", (1, 1)).save(folder / "dot.png")


ALL_JUNK = (text, zero_bytes, truncated, one_pixel)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (nothing, "of 0 pictures 0 can be used"),
        (one_photo, "of 1 pictures 1 can be used"),
        (text, "text.jpg: "),
        (zero_bytes, "empty.jpg: "),
        (truncated, "torn.jpg: "),
        (one_pixel, "dot.png: 1x1 pixels are too few"),
    ],
)
def test_fewer_than_two_photos(
    photos: Path, tmp_path: Path, ask: Ask, prepare: Callable[[Path], None], says: str
) -> None:
    prepare(photos)
    code, out, err = ask("--quiet")
    assert (code, out, len(err)) == (2, "", 1)
    assert err[0].startswith(f"error: {photos}")
    assert says in err[0]
    assert "two at least are needed" in err[0]
    assert not (tmp_path / "out").exists()


def test_twice_the_same_photo(photos: Path, tmp_path: Path, ask: Ask, rendered_rooms: Rooms) -> None:
    for name in ("a.png", "b.png"):
        put(rendered_rooms[0], 0, photos / name)
    code, out, err = ask("--quiet")
    assert (code, out, len(err)) == (4, "", 1)
    assert err[0].startswith("error: no model: none of the 2 photos could be placed")
    assert "turning on the spot" in err[0]
    assert not (tmp_path / "out").exists()


def test_two_photos_of_different_places(
    photos: Path, tmp_path: Path, ask: Ask, rendered_rooms: Rooms
) -> None:
    for index, room in enumerate(rendered_rooms):
        put(room, 0, photos / f"{index}.png")
    code, out, err = ask("--quiet")
    assert (code, out, len(err)) == (4, "", 1)
    assert "nothing in common" in err[0]
    assert not (tmp_path / "out").exists()


def test_blank_photos(photos: Path, tmp_path: Path, ask: Ask) -> None:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (WIDTH, WIDTH), "grey").save(photos / name)
    code, out, err = ask("--quiet")
    assert (code, out, len(err)) == (4, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_two_rooms_and_all_that_is_no_photo(
    photos: Path, tmp_path: Path, ask: Ask, rendered_rooms: Rooms
) -> None:
    """Both rooms become models, a photo that is there twice does no harm, the rest is named."""
    for name, room in zip(("attic", "hall"), rendered_rooms, strict=True):
        for index in range(3):
            put(room, index, photos / name / f"{index}.png")
    put(rendered_rooms[0], 1, photos / "attic" / "again.png")
    for prepare in ALL_JUNK:
        prepare(photos)
    code, out, err = ask()
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("4 of 12 images registered, ")
    assert lines[1].startswith("3 of 12 images registered, ")
    assert "(a scene of its own: sparse/1, components/1)" in lines[1]
    left_out = {"a.jpg", "text.jpg", "empty.jpg", "torn.jpg", "dot.png"}
    told = [line for line in lines if line.startswith("left out ")]
    assert {line.split(":")[0].removeprefix("left out ") for line in told} == left_out
    for index, name, count in ((0, "attic", 4), (1, "hall", 3)):
        model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / str(index))
        assert model.num_images() == count
        assert all(image.name.startswith(f"{name}/") for image in model.images.values())
        assert model.compute_mean_reprojection_error() < 0.5
    assert (tmp_path / "out" / "components" / "1" / "scene.glb").exists()
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["totals"] | {"images": 12, "images_posed": 7, "scenes": 2} == report["totals"]
    assert {image["name"] for image in report["images"] if image["scene"] is None} == left_out
    assert not (tmp_path / "out" / ".work").exists()
    before = (tmp_path / "out" / "report.json").read_bytes()
    code, out, err = ask()
    assert (code, out, len(err)) == (3, "", 1)
    assert "is not empty" in err[-1]
    assert (tmp_path / "out" / "report.json").read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder here that even root cannot write to")
def test_an_output_nobody_can_write_to(photos: Path, tmp_path: Path, ask: Ask, rendered_rooms: Rooms) -> None:
    for index in range(2):
        put(rendered_rooms[0], index, photos / f"{index}.png")
    code, out, err = ask("--quiet", out="/proc/self/out")
    assert (code, out, len(err)) == (3, "", 1)
    assert err[0].startswith("error: /proc/self/out: ")
