"""Pictures of every mode come out as the RGB a person would see."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dust3r_sfm.images.decoding import read_photo
from dust3r_sfm.images.tones import white_level
from dust3r_sfm.types import ImageSpec

RAMP = np.linspace(0.0, 1.0, 64)[None].repeat(40, axis=0)
RAMP_8_BIT = np.round(RAMP * 255).astype(np.uint8)


def rgb_of(picture: Image.Image, path: Path) -> np.ndarray:
    picture.save(path)
    return read_photo(path, ImageSpec(64)).rgb


def assert_grey(rgb: np.ndarray, grey: np.ndarray, atol: float = 1.0) -> None:
    assert rgb.dtype == np.uint8
    for channel in np.moveaxis(rgb, -1, 0):
        np.testing.assert_allclose(channel.astype(float), grey, atol=atol)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("white", [65535, 4095])
def test_16_bit_grey_is_scaled_by_its_white(tmp_path: Path, suffix: str, white: int) -> None:
    picture = Image.fromarray(np.round(RAMP * white).astype(np.uint16))
    assert picture.mode == "I;16"
    assert_grey(rgb_of(picture, tmp_path / f"a{suffix}"), RAMP * 255)


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 2e6])
def test_float_tiff_is_scaled_by_its_white(tmp_path: Path, white: float) -> None:
    values = (RAMP * white).astype(np.float32)
    values[0, 0] = np.nan
    assert_grey(rgb_of(Image.fromarray(values), tmp_path / "a.tif"), RAMP * 255)


def test_32_bit_integers(tmp_path: Path) -> None:
    assert_grey(rgb_of(Image.fromarray((RAMP * 65535).astype(np.int32)), tmp_path / "a.tif"), RAMP * 255)


def test_16_bit_colour_keeps_the_high_byte(tmp_path: Path) -> None:
    # Pillow does not write 16-bit colour: the PNG is put together here (ISO/IEC 15948, section 5).
    rows = np.round(RAMP * 65535).astype(">u2")[..., None].repeat(3, axis=-1)
    scanlines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 64, 40, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(scanlines)), (b"IEND", b"")]
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )
    assert_grey(read_photo(path, ImageSpec(64)).rgb, RAMP * 255)


@pytest.mark.parametrize(("mode", "suffix"), [("L", ".png"), ("P", ".png"), ("CMYK", ".tif"), ("L", ".bmp")])
def test_8_bit_modes(tmp_path: Path, mode: str, suffix: str) -> None:
    picture = Image.fromarray(RAMP_8_BIT).convert("RGB").convert(mode)
    expected = np.array(picture.convert("RGB"))
    np.testing.assert_array_equal(rgb_of(picture, tmp_path / f"a{suffix}"), expected)


def test_cmyk_jpeg_is_not_a_negative(tmp_path: Path) -> None:
    picture = Image.fromarray(RAMP_8_BIT).convert("RGB").convert("CMYK")
    assert_grey(rgb_of(picture, tmp_path / "a.jpg"), RAMP * 255, atol=8)


def test_bilevel(tmp_path: Path) -> None:
    picture = Image.fromarray(RAMP_8_BIT > 127)
    assert picture.mode == "1"
    np.testing.assert_array_equal(rgb_of(picture, tmp_path / "a.png")[..., 0], 255 * (RAMP_8_BIT > 127))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_cut_out_lies_on_white_and_is_masked(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(np.full((40, 64), 100, np.uint8))
    picture = grey.convert(mode)
    alpha = np.full((40, 64), 255, np.uint8)
    alpha[:, :20] = 0
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png", ImageSpec(64))
    np.testing.assert_array_equal(photo.rgb[:, :20], 255)
    np.testing.assert_array_equal(photo.rgb[:, 20:], 100)
    assert photo.keep is not None
    np.testing.assert_array_equal(photo.keep, alpha > 0)


def test_a_transparent_palette_entry_is_masked(tmp_path: Path) -> None:
    indices = np.zeros((40, 64), np.uint8)
    indices[:, 20:] = 1
    picture = Image.fromarray(indices).convert("P")
    picture.putpalette([0, 0, 0, 100, 100, 100])
    picture.save(tmp_path / "a.png", transparency=0)
    keep = read_photo(tmp_path / "a.png", ImageSpec(64)).keep
    assert keep is not None
    np.testing.assert_array_equal(keep, indices > 0)


def test_alpha_that_hides_nothing_is_no_mask(tmp_path: Path) -> None:
    picture = Image.fromarray(RAMP_8_BIT).convert("RGBA")
    picture.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png", ImageSpec(64))
    assert photo.keep is None
    assert_grey(photo.rgb, RAMP * 255)


@pytest.mark.parametrize(
    ("highest", "white"), [(0, 255), (255, 255), (256, 4095), (4095, 4095), (4096, 65535), (70000, 70000)]
)
def test_white_level(highest: int, white: float) -> None:
    assert white_level(float(highest), is_floating=False) == white
