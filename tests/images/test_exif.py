"""Focal priors and camera keys from tags, careless ones included."""

import math
from pathlib import Path

import pytest
from marked_pictures import exif_with, marked_picture
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from dust3r_sfm.images import load_views
from dust3r_sfm.images.exif import Exif, exif_from_tags, position_from_tags, read_exif
from dust3r_sfm.types import ImageSpec

FOCAL, FOCAL_35MM, PLANE_X, UNIT, WIDTH, HEIGHT = 37386, 41989, 41486, 41488, 40962, 40963
SIZE = (4000, 3000)
SCEAUX = Path(__file__).parents[2].parent / "shared" / "data" / "sceaux_castle" / "images"


def focal_px(tags: dict[int, object], size: tuple[int, int] = SIZE) -> float | None:
    diagonals = exif_from_tags(tags, size).focal_diagonals
    return None if diagonals is None else diagonals * math.hypot(*size)


def test_35mm_equivalent_goes_by_the_diagonal() -> None:
    assert focal_px({FOCAL_35MM: 35}) == pytest.approx(35 / math.hypot(36, 24) * 5000)


@pytest.mark.parametrize(
    ("unit", "resolution"),
    [(None, 25.4 * 500), (2, 25.4 * 500), (3, 10 * 500), (4, 500), (5, 0.5)],
)
def test_focal_plane_resolution_in_every_unit(unit: int | None, resolution: float) -> None:
    tags = {FOCAL: IFDRational(6, 1), PLANE_X: resolution} | ({} if unit is None else {UNIT: unit})
    assert focal_px(tags) == pytest.approx(6 * 500)


def test_focal_plane_resolution_of_a_photo_made_smaller() -> None:
    tags = {FOCAL: 6.0, PLANE_X: 500.0, UNIT: 4, WIDTH: 4000, HEIGHT: 3000}
    assert focal_px(tags, (1000, 750)) == pytest.approx(750)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {FOCAL: 6.0},
        {FOCAL_35MM: 0},
        {FOCAL_35MM: IFDRational(0, 0)},
        {FOCAL_35MM: "35"},
        {FOCAL_35MM: (35, 35)},
        {FOCAL_35MM: b"\x23"},
        {FOCAL_35MM: float("inf")},
        {FOCAL_35MM: -35},
        {FOCAL_35MM: 65535},
        {FOCAL: IFDRational(6, 0), PLANE_X: 500.0, UNIT: 4},
        {FOCAL: 6.0, PLANE_X: IFDRational(0, 0), UNIT: 4},
        {FOCAL: 6.0, PLANE_X: 500.0, UNIT: 1},
        {FOCAL: 6.0, PLANE_X: 500.0, UNIT: "mm"},
        {FOCAL: 6.0, PLANE_X: 1e9, UNIT: 4},
    ],
)
def test_no_focal_from_missing_or_impossible_values(tags: dict[int, object]) -> None:
    assert focal_px(tags) is None


def test_a_broken_35mm_equivalent_leaves_the_focal_plane() -> None:
    assert focal_px({FOCAL_35MM: 0, FOCAL: 6.0, PLANE_X: 500.0, UNIT: 4}) == pytest.approx(3000)


@pytest.mark.parametrize(
    ("tags", "camera"),
    [
        ({271: "Acme\0", 272: " Z 1 ", FOCAL: 5.85}, "Acme Z 1 5.85 mm"),
        ({271: "Acme", 272: "Z1", FOCAL: IFDRational(5, 1), 42033: "007"}, "Acme Z1 5 mm 007"),
        ({272: "Z1"}, "Z1"),
        ({271: "Acme", FOCAL_35MM: 28}, "Acme 28 mm"),
        ({FOCAL: 5.0}, None),
        ({271: "\0\0", FOCAL: 5.0}, None),
        ({}, None),
    ],
)
def test_camera_names_body_focal_and_serial(tags: dict[int, object], camera: str | None) -> None:
    assert exif_from_tags(tags, SIZE).camera == camera


@pytest.mark.parametrize("value", [0, 9, "6", None, (6,)])
def test_an_orientation_that_is_none_means_upright(value: object) -> None:
    assert exif_from_tags({274: value}, SIZE).orientation == 1


def test_a_broken_exif_block_is_no_exif(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    marked_picture(60, 40).save(path, exif=b"Exif\0\0" + b"no TIFF header here")
    with Image.open(path) as image:
        assert read_exif(image) == Exif()


def test_views_carry_the_prior_in_their_own_pixels(save, photos: Path) -> None:
    exif = exif_with({274: 6, 271: "Acme", 272: "Z1", FOCAL: 5.85, FOCAL_35MM: 35})
    save("a.jpg", marked_picture(400, 300), exif=exif)
    save("b.jpg")
    turned, plain = load_views(photos, ImageSpec(200, 16)).views
    assert turned.exif_focal_px == pytest.approx(35 / math.hypot(36, 24) * 250)
    assert turned.exif_camera == "Acme Z1 5.85 mm"
    assert plain.exif_focal_px is None
    assert plain.exif_camera is None


@pytest.mark.realdata
@pytest.mark.skipif(not SCEAUX.is_dir(), reason="../shared/data/sceaux_castle is not here")
def test_prior_of_sceaux_castle() -> None:
    views = load_views(SCEAUX, ImageSpec(512, 16)).views
    assert len(views) == 11
    assert len({view.exif_camera for view in views}) == 1
    for view in views:
        scale = view.pixel_from_original[0, 0]
        assert view.original_size == (2832, 2128)
        assert view.exif_focal_px is not None
        assert view.exif_focal_px / scale == pytest.approx(2905.88, rel=0.03)


GPS = {1: "N", 2: (IFDRational(48, 1), IFDRational(51, 1), IFDRational(294, 10)), 3: "W"}
GPS |= {4: (2.0, 17.0, 40.2), 5: b"\x00", 6: IFDRational(357, 10)}


def test_position_in_degrees_and_metres() -> None:
    assert position_from_tags(GPS) == pytest.approx((48.858167, -2.294500, 35.7), abs=1e-6)
    assert position_from_tags(GPS | {5: b"\x01"})[2] == -35.7
    assert position_from_tags(GPS | {6: IFDRational(0, 1)})[2] == 0.0


@pytest.mark.parametrize("altitude", [None, IFDRational(0, 0), "high", float("nan")])
def test_a_missing_altitude_is_missing(altitude: object) -> None:
    without = {key: value for key, value in GPS.items() if key != 6}
    gps = without if altitude is None else without | {6: altitude}
    for below in (b"\x00", b"\x01"):
        latitude, longitude, height = position_from_tags(gps | {5: below})
        assert (latitude, longitude) == pytest.approx((48.858167, -2.294500), abs=1e-6)
        assert height is None


@pytest.mark.parametrize(
    "broken",
    [{1: "X"}, {2: (99.0, 0.0, 0.0)}, {2: (48.0, 51.0)}, {4: ("a", "b", "c")}, {2: (-1.0, 0.0, 0.0)}],
)
def test_broken_positions_are_none(broken: dict[int, object]) -> None:
    assert position_from_tags(GPS | broken) is None


def test_the_position_of_a_photo(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(GPS)
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (64, 48)).save(tmp_path / "b.jpg")
    first, second = load_views(tmp_path, ImageSpec(64)).views
    assert first.exif_position == pytest.approx((48.858167, -2.294500, 35.7), abs=1e-5)
    assert second.exif_position is None
