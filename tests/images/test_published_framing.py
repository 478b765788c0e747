"""Photos for the published networks: the size, the crop and the pixels that their authors' code gives."""

import json
from pathlib import Path

import numpy as np
import pytest
from marked_pictures import exif_with
from PIL import Image

from dust3r_sfm.images import load_views
from dust3r_sfm.images.decoding import read_photo
from dust3r_sfm.images.framing import frame_of
from dust3r_sfm.types import Framing, ImageSpec

PARITY = Path(__file__).parents[2].parent / "shared" / "parity"
needs_parity = [
    pytest.mark.realdata,
    pytest.mark.skipif(not PARITY.is_dir(), reason="../shared/parity is not here"),
]
PIXELS = ["200x150_s128_sq0", "150x200_s128_sq0", "90x60_s128_sq0", "160x160_s128_sq0", "160x160_s128_sq1",
          "120x80_s224_sq0"]  # fmt: skip


def published(size: int, patch: int = 16, square_ok: bool = True) -> ImageSpec:
    framing = Framing.SQUARE if size == 224 else Framing.PUBLISHED
    return ImageSpec(size, patch, framing, cut_squares=not square_ok)


class TestParity:
    pytestmark = needs_parity

    def test_size_filter_and_crop_of_every_recorded_picture(self) -> None:
        records = json.loads((PARITY / "load_images_geometry.json").read_text())
        assert len(records) == 210
        for record in records:
            spec = published(record["size"], record["patch_size"], record["square_ok"])
            frame = frame_of((record["W"], record["H"]), spec)
            assert frame.size == tuple(record["resized"]), record
            assert frame.box == tuple(record["crop_box"]), record
            assert frame.filter.name == record["interp"], record

    @pytest.mark.parametrize("name", PIXELS)
    def test_every_pixel(self, name: str, tmp_path: Path) -> None:
        stored = np.load(PARITY / "load_images_pixels.npz")
        size, square_ok = int(name.split("_")[1][1:]), name.endswith("sq1")
        for copy in ("a.png", "b.png"):
            Image.fromarray(stored[f"{name}/src_u8"]).save(tmp_path / copy)
        view = load_views(tmp_path, published(size, square_ok=square_ok)).views[0]
        np.testing.assert_array_equal(view.image, stored[f"{name}/out_u8_CHW"].transpose(1, 2, 0))


def test_the_whole_of_a_square_is_kept_unless_asked_otherwise() -> None:
    assert frame_of((1000, 1000), published(512)).box == (0, 0, 512, 512)
    assert frame_of((1000, 1000), published(512, square_ok=False)).box == (0, 64, 512, 448)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("spec", [published(64), published(224)], ids=["long-edge", "square"])
@pytest.mark.parametrize("size", [(403, 302), (41, 58), (100, 100)])
def test_the_affine_finds_every_pixel_of_the_stored_file(
    save, photos: Path, size: tuple[int, int], spec: ImageSpec, orientation: int
) -> None:
    """Two ramps tell each pixel where in the stored file it comes from."""
    width, height = size
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    ramps = np.round(np.stack([x, y, 0 * x], axis=-1) * 255).astype(np.uint8)
    for name in ("a.png", "b.png"):
        save(name, Image.fromarray(ramps), exif=exif_with({274: orientation}))
    view = load_views(photos, spec).views[0]
    assert max(view.size) == spec.long_edge
    assert all(edge % spec.multiple == 0 for edge in view.size)
    columns, rows = np.meshgrid(np.arange(view.size[0]) + 0.5, np.arange(view.size[1]) + 0.5)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    stored = pixels @ np.linalg.inv(view.pixel_from_original).T
    inner = np.s_[8:-8, 8:-8]
    expected = (stored[..., :2] / [width, height] * 255)[inner]
    np.testing.assert_allclose(view.image[inner][..., :2], expected, atol=1.6)


def test_a_large_jpeg_is_decoded_whole(tmp_path: Path) -> None:
    """A JPEG decoded at half size, as is done elsewhere for speed, has other pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        expected = np.array(image.convert("RGB").resize((64, 48), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(read_photo(tmp_path / "a.jpg", published(64)).rgb, expected)
