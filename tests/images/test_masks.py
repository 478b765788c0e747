"""Masks: which belongs to which photo, and where they lie in the view."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from marked_pictures import exif_with, marked_picture
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import load_views
from dust3r_sfm.types import ImageSpec

SIZE = (120, 90)
SaveMask = Callable[[str, Image.Image], Path]


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    return tmp_path / "masks"


@pytest.fixture
def save_mask(masks: Path) -> SaveMask:
    def save_picture(name: str, picture: Image.Image) -> Path:
        path = masks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
        return path

    return save_picture


def right_half(size: tuple[int, int] = SIZE, value: int = 255) -> Image.Image:
    keep = np.zeros((size[1], size[0]), np.uint8)
    keep[:, size[0] // 2 :] = value
    return Image.fromarray(keep)


@pytest.mark.parametrize("mask_name", ["s/a.jpg.png", "s/a.png", "s/a.jpg", "s/a.bmp"])
def test_a_mask_is_found_by_name(save, photos, masks, save_mask, mask_name: str) -> None:
    save("s/a.jpg")
    save("b.jpg")
    save_mask(mask_name, right_half())
    whole, masked = load_views(photos, ImageSpec(120), masks).views
    assert whole.mask is None
    assert masked.mask is not None
    np.testing.assert_array_equal(masked.mask, np.array(right_half()) > 0)


@pytest.mark.parametrize(
    "picture",
    [
        right_half(value=1),
        right_half().convert("RGB"),
        right_half().convert("1"),
        Image.fromarray(np.array(right_half(value=1)).astype(np.uint16)),
        Image.merge("LA", [Image.new("L", SIZE, 255), right_half()]),
    ],
    ids=["faint", "colour", "bilevel", "16-bit", "alpha"],
)
def test_whatever_is_not_zero_is_kept(save, photos, masks, save_mask, picture: Image.Image) -> None:
    save("a.jpg")
    save("b.jpg")
    save_mask("a.png", picture)
    mask = load_views(photos, ImageSpec(120), masks).views[0].mask
    assert mask is not None
    np.testing.assert_array_equal(mask, np.array(right_half()) > 0)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("drawn_on", ["stored", "upright"])
@pytest.mark.parametrize("multiple", [1, 16])
def test_a_mask_follows_its_photo(
    save, photos, masks, save_mask, orientation: int, drawn_on: str, multiple: int
) -> None:
    # The mask is the photo itself, thresholded: they must coincide in the view.
    photo = marked_picture(400, 300, radius_px=60.0)
    save("a.png", photo, exif=exif_with({274: orientation}))
    save("b.png")
    keep = photo.convert("L").point(lambda value: 255 if value > 30 else 0)
    if drawn_on == "upright" and orientation in (6, 8):
        keep = keep.transpose({6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}[orientation])
    save_mask("a.png", keep)
    view = load_views(photos, ImageSpec(100, multiple), masks).views[0]
    assert view.mask is not None
    assert view.mask.shape == view.image.shape[:2]
    bright = np.array(Image.fromarray(view.image).convert("L")) > 30
    # The circles' edges are masked out with what is beside them.
    assert bright[view.mask].all()
    assert (view.mask != bright).mean() < 0.02
    assert 0.05 < view.mask.mean() < 0.5


@pytest.mark.parametrize("long_edge", [120, 77, 50, 7])
def test_a_pixel_is_kept_if_all_it_shows_is(save, photos, masks, save_mask, long_edge: int) -> None:
    save("a.png", marked_picture(*SIZE))
    save("b.png")
    keep = np.random.default_rng(1).random((SIZE[1], SIZE[0])) > 0.004
    save_mask("a.png", Image.fromarray(keep.astype(np.uint8) * 255))
    view = load_views(photos, ImageSpec(long_edge, 1), masks).views[0]
    height, width = view.image.shape[:2]
    # Cells of the view, drawn on the mask: a masked pixel takes those that its square reaches into.
    expected = np.ones((height, width), bool)
    for y, x in np.argwhere(~keep):
        rows = np.arange(height + 1) * (SIZE[1] / height)
        columns = np.arange(width + 1) * (SIZE[0] / width)
        down = (rows[:-1] < y + 1 - 1e-9) & (rows[1:] > y + 1e-9)
        across = (columns[:-1] < x + 1 - 1e-9) & (columns[1:] > x + 1e-9)
        expected[np.ix_(down, across)] = False
    assert view.mask is not None
    np.testing.assert_array_equal(view.mask, expected)
    assert 0 < view.mask.mean() < 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_transparency_counts_as_the_same_mask_would(save, photos, masks, save_mask, orientation: int) -> None:
    keep = np.random.default_rng(2).random((SIZE[1], SIZE[0])) > 0.004
    alpha = Image.fromarray(keep.astype(np.uint8) * 255)
    clear = marked_picture(*SIZE).convert("RGBA")
    clear.putalpha(alpha)
    save("clear.png", clear, exif=exif_with({274: orientation}))
    save("masked.png", exif=exif_with({274: orientation}))
    save_mask("masked.png", alpha)
    clear_view, masked_view = load_views(photos, ImageSpec(51, 1), masks).views
    assert clear_view.mask is not None
    np.testing.assert_array_equal(clear_view.mask, masked_view.mask)


def test_a_mask_of_another_size_is_refused(save, photos, masks, save_mask) -> None:
    save("a.jpg")
    save("b.jpg")
    path = save_mask("a.png", right_half((60, 45)))
    with pytest.raises(InputError, match="60x45 pixels, its photo 120x90") as raised:
        load_views(photos, ImageSpec(64), masks)
    assert str(path) in str(raised.value)


def test_a_mask_that_cannot_be_read_is_refused(save, photos, masks) -> None:
    save("a.jpg")
    save("b.jpg")
    masks.mkdir()
    (masks / "a.png").write_text("no mask")
    with pytest.raises(InputError, match=r"a\.png: the mask cannot be used: not a JPEG"):
        load_views(photos, ImageSpec(64), masks)


def test_folders_of_masks_that_cannot_be_meant(save, photos, masks, save_mask) -> None:
    save("a.jpg")
    save("b.jpg")
    with pytest.raises(InputError, match="does not exist"):
        load_views(photos, ImageSpec(64), masks)
    save_mask("c.png", right_half())
    with pytest.raises(InputError, match="none of its 1 pictures has the name of a photo"):
        load_views(photos, ImageSpec(64), masks)
    with pytest.raises(InputError, match="in one folder"):
        load_views(photos, ImageSpec(64), photos)


def test_masks_below_the_photos_are_no_photos(save, photos) -> None:
    save("a.jpg")
    save("b.jpg")
    save("masks/a.png", right_half())
    views = load_views(photos, ImageSpec(64), photos / "masks").views
    assert [view.name for view in views] == ["a.jpg", "b.jpg"]
    assert views[0].mask is not None


def test_a_photo_masked_out_whole_is_skipped(save, photos, masks, save_mask) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save(name)
    save_mask("b.png", Image.new("L", SIZE, 0))
    loaded = load_views(photos, ImageSpec(64), masks)
    assert loaded.skipped == {"b.jpg": "the mask leaves nothing of it"}


def test_a_mask_and_transparency_both_count(save, photos, masks, save_mask) -> None:
    cut_out = marked_picture(*SIZE).convert("RGBA")
    alpha = np.full((90, 120), 255, np.uint8)
    alpha[:45] = 0
    cut_out.putalpha(Image.fromarray(alpha))
    save("a.png", cut_out)
    save("b.png")
    save_mask("a.png", right_half())
    mask = load_views(photos, ImageSpec(120), masks).views[0].mask
    assert mask is not None
    np.testing.assert_array_equal(mask, (alpha > 0) & (np.array(right_half()) > 0))
