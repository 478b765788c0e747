"""Finding photos, naming them, and what is said of those that cannot be used."""

import sys
from pathlib import Path

import numpy as np
import pytest
from marked_pictures import exif_with, marked_picture
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import decoding, load_gray, load_view, load_views
from dust3r_sfm.types import ImageSpec

SPEC = ImageSpec(64)


def names(source, **options) -> list[str]:
    return [view.name for view in load_views(source, SPEC, **options).views]


def test_a_folder_is_searched_whole_and_sorted_by_name(save, photos: Path) -> None:
    kinds = ["b/ö 1.PNG", "b/a.jpeg", "a.jpg", "c.tif", "c.tiff", "d.webp", "e.bmp", "b-1.JPG"]
    for name in kinds:
        save(name)
    for name in [".hidden.jpg", ".thumbs/a.jpg", "b/.x/y.jpg"]:
        save(name)
    (photos / "notes.txt").write_text("no photo")
    (photos / "clip.mp4").write_bytes(b"no photo")
    (photos / "folder.jpg").mkdir()
    loaded = load_views(photos, SPEC)
    assert [view.name for view in loaded.views] == sorted(kinds)
    assert loaded.skipped == {}
    assert [view.path for view in loaded.views] == [photos / name for name in sorted(kinds)]


def test_a_list_keeps_its_order_and_names_are_below_the_common_parent(save, photos: Path) -> None:
    first, second, third = save("x/2/a.jpg"), save("x/1/a.jpg"), save("x/1/b.jpg")
    assert names([first, third, second]) == ["2/a.jpg", "1/b.jpg", "1/a.jpg"]


def test_a_file_listed_twice_counts_once(save, photos: Path) -> None:
    first, second = save("a.jpg"), save("s/b.jpg")
    assert names([first, second, photos / "s" / ".." / "a.jpg"]) == ["a.jpg", "s/b.jpg"]


def test_two_identical_photos_are_two_views(save, photos: Path) -> None:
    save("a.jpg")
    save("b.jpg")
    a, b = load_views(photos, SPEC).views
    np.testing.assert_array_equal(a.image, b.image)


def broken_files(save, photos: Path) -> dict[str, str]:
    """Files that are no photos, and what the reason must say."""
    whole = save("whole.jpg", marked_picture(400, 300)).read_bytes()
    (photos / "text.jpg").write_text("I am a letter, not a picture")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    save("pixel.png", Image.new("RGB", (1, 1)))
    save("strip.png", Image.new("RGB", (400, 31)))
    save("whole.png", marked_picture(400, 300))
    (photos / "truncated.png").write_bytes((photos / "whole.png").read_bytes()[:900])
    (photos / "script.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n")
    mirrored = {}
    for orientation in (2, 4, 5, 7):
        for suffix in (".jpg", ".tif"):
            save(f"mirrored{orientation}{suffix}", exif=exif_with({274: orientation}))
            mirrored[f"mirrored{orientation}{suffix}"] = f"orientation {orientation}"
    return mirrored | {
        "text.jpg": "not a JPEG",
        "script.jpg": "not a JPEG",
        "empty.jpg": "0 bytes",
        "truncated.jpg": "truncated",
        "truncated.png": "truncated",
        "pixel.png": "1x1",
        "strip.png": "400x31",
    }


def test_broken_files_are_skipped_with_a_line_each(save, photos: Path) -> None:
    expected = broken_files(save, photos)
    loaded = load_views(photos, SPEC)
    assert [view.name for view in loaded.views] == ["whole.jpg", "whole.png"]
    assert loaded.skipped.keys() == expected.keys()
    for name, reason in loaded.skipped.items():
        assert expected[name] in reason
        assert "\n" not in reason


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
def test_no_truncated_file_is_loaded_half_grey(save, tmp_path: Path, suffix: str) -> None:
    path = save(f"a{suffix}")
    data, whole = path.read_bytes(), decoding.read_photo(path, ImageSpec(64)).rgb
    refused = 0
    for kept in np.linspace(1, len(data) - 1, 25).astype(int):
        path.write_bytes(data[:kept])
        try:
            # A trailer cut off loses nothing.
            np.testing.assert_array_equal(decoding.read_photo(path, ImageSpec(64)).rgb, whole)
        except decoding.UnusablePhotoError:
            refused += 1
    assert refused >= 20


def test_a_decompression_bomb_is_skipped(save, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    save("b.png")
    save("bomb.png", Image.new("1", (1000, 1000)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400_000)
    loaded = load_views(photos, SPEC)
    assert "bomb" in loaded.skipped["bomb.png"]
    assert len(loaded.views) == 2


def test_heic_without_its_reader_names_the_extra(save, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    save("a.png")
    save("b.png")
    (photos / "c.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    assert "pillow-heif" in load_views(photos, SPEC).skipped["c.HEIC"]


def test_heic_photos_are_read_upright(save, photos: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif, the extra [heic]")
    heif.register_heif_opener()
    picture = marked_picture(400, 300)
    save("a.png", picture)
    stored = picture.transpose(Image.Transpose.ROTATE_90)
    stored.save(photos / "b.heic", quality=95, exif=exif_with({274: 6}).tobytes())
    upright, from_phone = load_views(photos, ImageSpec(200)).views
    assert from_phone.image.shape == upright.image.shape
    assert np.abs(from_phone.image.astype(float) - upright.image).mean() < 4


def test_a_crop_that_leaves_nothing_is_skipped(save, photos: Path) -> None:
    save("a.png")
    save("b.png")
    save("panorama.png", Image.new("RGB", (800, 40)))
    assert "too narrow: 64x3" in load_views(photos, ImageSpec(64, 16)).skipped["panorama.png"]


def test_too_few_photos_name_the_folder_the_counts_and_the_remedy(save, photos: Path) -> None:
    save("a.jpg")
    (photos / "b.jpg").write_text("no")
    with pytest.raises(InputError) as raised:
        load_views(photos, SPEC)
    assert str(raised.value) == (
        f"{photos}: of 2 pictures 1 can be used (b.jpg: not a JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, JPEG "
        "2000 or HEIC picture); two at least are needed: add overlapping photos of one scene "
        "(JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, JPEG 2000 or HEIC)"
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of 0 pictures 0 can be used; two at least are needed"):
        load_views(tmp_path, SPEC)


def test_sources_that_are_not_there(save, tmp_path: Path) -> None:
    photo = save("a.jpg")
    for source, message in [
        (tmp_path / "none", "does not exist"),
        (photo, "is a file"),
        ([], "no photos were given"),
        ([photo, tmp_path / "none.jpg"], "no such photo"),
        ([photo, tmp_path], "is a folder"),
    ]:
        with pytest.raises(InputError, match=message):
            load_views(source, SPEC)


def test_gray_of_a_photo_that_is_gone(save, photos: Path) -> None:
    save("a.jpg")
    save("b.jpg")
    view = load_views(photos, SPEC).views[0]
    (photos / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"a\.jpg: was read before"):
        load_gray(view, 64)


def test_one_photo_is_the_view_it_would_be_among_others(save, photos: Path) -> None:
    save("a.jpg")
    save("b.jpg")
    alone, among = load_view(photos / "b.jpg", SPEC), load_views(photos, SPEC).views[1]
    assert (alone.name, alone.path, alone.size) == (among.name, among.path, among.size)
    np.testing.assert_array_equal(alone.image, among.image)
    np.testing.assert_array_equal(alone.pixel_from_original, among.pixel_from_original)


def test_one_photo_takes_no_more_memory_than_it_may(save, photos: Path) -> None:
    save("a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg: decoding it takes up to .* GiB of memory"):
        load_view(photos / "a.jpg", SPEC, 2**20)
    assert load_view(photos / "a.jpg", SPEC, 2**30).name == "a.jpg"


def test_one_photo_that_cannot_be_used_is_an_error(save, photos: Path) -> None:
    save("a.jpg").write_bytes(b"no photo")
    with pytest.raises(InputError, match=r"a\.jpg: .*; give another photo"):
        load_view(photos / "a.jpg", SPEC)
    with pytest.raises(InputError, match=r"b\.jpg: no such photo"):
        load_view(photos / "b.jpg", SPEC)
