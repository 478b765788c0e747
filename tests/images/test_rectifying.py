"""Files read through their known lens: as if a pinhole had taken them, whichever way they are stored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import original_pixels, pixel_grid
from dust3r_sfm.geometry.rectification import file_pixels, rectify
from dust3r_sfm.images import load_gray, load_views
from dust3r_sfm.types import Camera, ImageSpec, View

CAMERA = Camera("OPENCV_FISHEYE", 320, 240, (180.0, 180.0, 161.0, 119.0, 0.02, -0.01, 0.001, 0.0))
STRAIGHT = rectify(CAMERA)


def shown(pixels: np.ndarray) -> np.ndarray:
    """A smooth pattern, by place in the stored file."""
    x, y = pixels[..., 0], pixels[..., 1]
    return 127.0 + 60.0 * np.sin(x / 17.0) + 60.0 * np.cos(y / 13.0 + x / 40.0)


def write(path: Path, orientation: int = 1) -> None:
    grey = shown(pixel_grid(CAMERA.height, CAMERA.width)).round().clip(0, 255).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.dstack([grey] * 3)).save(path, exif=exif)


def expected(view: View) -> tuple[np.ndarray, np.ndarray]:
    """What the view should show, and where the file shows anything."""
    stored = file_pixels(STRAIGHT, original_pixels(view, pixel_grid(*view.image.shape[:2])))
    inside = ((stored > 1) & (stored < [CAMERA.width - 1, CAMERA.height - 1])).all(axis=-1)
    return shown(np.nan_to_num(stored)), inside


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_view_shows_what_a_pinhole_sees(tmp_path: Path, orientation: int) -> None:
    for name in ("a.png", "b.png"):
        write(tmp_path / name, orientation)
    views = load_views(tmp_path, ImageSpec(320), rectification_of=lambda name, size: STRAIGHT).views
    for view in views:
        assert view.rectification == STRAIGHT
        assert view.original_size == (STRAIGHT.pinhole.width, STRAIGHT.pinhole.height)
        assert max(view.size) == 320
        assert (view.size[0] > view.size[1]) == (orientation in (1, 3))
        truth, inside = expected(view)
        assert view.mask is not None
        assert view.mask[inside].all()
        assert 0.3 < inside.mean() < 0.95
        assert np.abs(view.image[..., 0][inside] - truth[inside]).max() < 6
        gray, view_from_gray = load_gray(view, 160)
        assert max(gray.shape) == 160
        np.testing.assert_allclose(np.diag(view_from_gray)[:2], [2.0, 2.0], rtol=0.02)


def test_a_mask_of_the_file_goes_through_the_lens_too(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write(tmp_path / name)
        keep = np.zeros((CAMERA.height, CAMERA.width), np.uint8)
        keep[:, :160] = 255
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray(keep).save(tmp_path / "masks" / f"{name}")
    found = load_views(
        tmp_path, ImageSpec(320), tmp_path / "masks", rectification_of=lambda name, size: STRAIGHT
    )
    for view in found.views:
        stored = file_pixels(STRAIGHT, original_pixels(view, pixel_grid(*view.image.shape[:2])))
        assert view.mask is not None
        assert not view.mask[stored[..., 0] > 162].any()
        middle = (stored[..., 0] < 158) & ((stored > 2) & (stored < [318, 238])).all(axis=-1)
        assert view.mask[middle].all()


def test_a_file_of_another_size_than_its_camera_is_refused(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write(tmp_path / name)
    larger = rectify(
        Camera("OPENCV_FISHEYE", 640, 480, (360.0, 360.0, 322.0, 238.0, 0.02, -0.01, 0.001, 0.0))
    )
    with pytest.raises(InputError, match=r"has 320x240 pixels as it is stored, its given camera 640x480"):
        load_views(tmp_path, ImageSpec(320), rectification_of=lambda name, size: larger)


def test_photos_without_a_lens_stay_as_they_are(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write(tmp_path / name)
    views = load_views(
        tmp_path, ImageSpec(320), rectification_of=lambda name, size: STRAIGHT if name == "a.png" else None
    ).views
    assert [view.rectification for view in views] == [STRAIGHT, None]
    assert views[1].original_size == (320, 240)
