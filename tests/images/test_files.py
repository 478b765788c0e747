"""Every file of a folder is a photo, a picture that cannot be used, or passed over, and says why."""

import os
from pathlib import Path

import pytest
from hostile_files import NAMES, encoded

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import load_views
from dust3r_sfm.images.files import find_photos, match_masks, search_photos
from dust3r_sfm.images.passed_over import passed_over_text
from dust3r_sfm.types import ImageSpec

SPEC = ImageSpec(64)


def put(folder: Path, *names: str, kind: str = "jpeg") -> None:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(kind, seed=seed))


def reasons(folder: Path) -> dict[str, str]:
    found = search_photos(folder)
    return {**found.unusable, **found.passed_over}


def test_photos_are_in_the_order_in_which_people_count(tmp_path: Path) -> None:
    names = [f"{folder}/{k}.jpg" for folder in ("2", "10") for k in range(1, 13)]
    put(tmp_path, *reversed(names))
    assert list(find_photos(tmp_path)) == names
    assert [view.name for view in load_views(tmp_path, SPEC).views] == names


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        *((suffix, "jpeg") for suffix in ("jpg", "JPEG", "jpe", "jfif", "JIF")),
        *(("MPO", "mpo"), ("gif", "gif"), ("avif", "avif"), ("jp2", "jpeg_2000"), ("ppm", "ppm")),
        *(("png", "png"), ("TIF", "tiff"), ("webp", "webp"), ("bmp", "bmp")),
        # By what they hold, not by what they are called.
        *(("jpg", "avif"), ("png", "jpeg"), ("jpg", "webp")),
    ],
)
def test_what_can_be_read_is_read(tmp_path: Path, suffix: str, kind: str) -> None:
    put(tmp_path, f"a.{suffix}", f"b.{suffix}", kind=kind)
    loaded = load_views(tmp_path, SPEC)
    assert [view.name for view in loaded.views] == [f"a.{suffix}", f"b.{suffix}"]
    assert (loaded.skipped, loaded.passed_over) == ({}, {})


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.JPG", "c/d.jpg")
    others = {
        "IMG_1": "no picture, by its name",
        "a.ARW": "raw sensor data of a photo",
        "alone.ARW": "raw sensor data, which is not read",
        "alone.CR2": "raw sensor data, which is not read",
        "alone.nef": "raw sensor data, which is not read",
        "c/d.dng": "raw sensor data of a photo",
        "clip.MOV": "a video",
        "film.mp4": "a video",
        "layers.psd": "a picture of a kind that is not read",
        "notes.txt": "no picture",
        ".DS_Store": "hidden",
        "._a.jpg": "hidden",
    }
    for name in others:
        (tmp_path / name).write_bytes(b"II*\0" * 50)
    found = search_photos(tmp_path)
    assert list(found.files) == ["a.jpg", "b.JPG", "c/d.jpg"]
    said = reasons(tmp_path)
    assert said.keys() == others.keys()
    assert all(said[name].startswith(reason) for name, reason in others.items())
    # What somebody took for a photo counts among the pictures.
    assert found.unusable.keys() == {"alone.ARW", "alone.CR2", "alone.nef", "layers.psd"}


def test_raw_files_alone_say_what_to_do(tmp_path: Path) -> None:
    names = [f"DSC{k}.DNG" for k in range(6)]
    for name in (*names, "readme.md"):
        (tmp_path / name).write_bytes(b"II*\0" * 50)
    with pytest.raises(InputError) as raised:
        load_views(tmp_path, SPEC)
    assert "of 6 pictures 0 can be used (raw sensor data, which is not read: develop it" in str(raised.value)
    assert all(name in str(raised.value) for name in (*names, "readme.md"))


def test_folders_of_the_system_hold_no_photos(tmp_path: Path) -> None:
    put(tmp_path, "0.jpg", "1.jpg")
    put(tmp_path / "@eaDir" / "0.jpg", "SYNOPHOTO_THUMB_XL.jpg")
    for folder in ("__MACOSX", "$RECYCLE.BIN", ".Trash-1000", "#recycle", "sub/System Volume Information"):
        put(tmp_path / folder, "x.jpg")
    found = search_photos(tmp_path)
    assert list(found.files) == ["0.jpg", "1.jpg"]
    assert set(found.passed_over) == {
        *(
            "@eaDir/",
            "__MACOSX/",
            "$RECYCLE.BIN/",
            ".Trash-1000/",
            "#recycle/",
            "sub/System Volume Information/",
        )
    }


def test_linked_folders_are_searched_once_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "store" / "cam1", "0.jpg", "1.jpg")
    photos = tmp_path / "photos"
    put(photos, "own.jpg", "z/2.jpg")
    (photos / "cam1").symlink_to(tmp_path / "store" / "cam1")
    (photos / "a_again").symlink_to(photos / "z")
    (photos / "up").symlink_to(tmp_path)
    (photos / "z" / "loop").symlink_to(photos)
    (photos / "lost").symlink_to(tmp_path / "nothing")
    (photos / "lost.jpg").symlink_to(tmp_path / "nothing.jpg")
    (photos / "self.jpg").symlink_to(photos / "self.jpg")
    found = search_photos(photos)
    assert list(found.files) == ["cam1/0.jpg", "cam1/1.jpg", "own.jpg", "z/2.jpg"]
    assert found.passed_over.keys() == {"a_again/", "up/", "z/loop/", "lost", "lost.jpg", "self.jpg"}
    assert "searched already" in found.passed_over["a_again/"]
    assert "No such file" in found.passed_over["lost.jpg"]


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "0.jpg", "1.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reasons(tmp_path) == {"pipe.jpg": "no file but a device or pipe"}
    with pytest.raises(InputError, match=r"pipe\.jpg: is a device or a pipe"):
        find_photos([tmp_path / "0.jpg", tmp_path / "pipe.jpg"])


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "0.jpg", "1.jpg", "closed/2.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        if os.access(tmp_path / "closed", os.R_OK):
            pytest.skip("nothing is closed to this user")
        assert "cannot be read" in reasons(tmp_path)["closed/"]
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_names_that_cannot_be_written_are_refused_before_any_work(tmp_path: Path) -> None:
    for name in NAMES:
        path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded("jpeg"))
    found = search_photos(tmp_path)
    expected = {os.fsdecode(name): reason for name, reason in NAMES.items()}
    assert set(found.files) == {name for name, reason in expected.items() if reason is None}
    assert found.passed_over == {}
    for name, reason in found.unusable.items():
        assert (expected[name] or "not expected") in reason
    loaded = load_views(tmp_path, SPEC)
    assert loaded.skipped == found.unusable


def test_masks_of_no_photo_are_named(tmp_path: Path) -> None:
    put(tmp_path / "photos", "a.jpg", "b.jpg")
    put(tmp_path / "masks", "a.jpg.png", "c.png", "sub/b.png", kind="png")
    assert match_masks(tmp_path / "masks", ["a.jpg", "b.jpg"]).strays == ("c.png", "sub/b.png")
    passed_over = load_views(tmp_path / "photos", SPEC, tmp_path / "masks").passed_over
    assert passed_over == {
        str(tmp_path / "masks" / n): "the mask of no photo" for n in ("c.png", "sub/b.png")
    }


def test_each_reason_is_said_once() -> None:
    others = {f"{k}.txt": "no picture" for k in range(5)} | {".x": "hidden"}
    assert passed_over_text(others) == "no picture: 0.txt, 1.txt, 2.txt and 2 more; hidden: .x"
