"""Where a stored pixel lies in a view, measured on blobs at known places."""

import numpy as np
import pytest
from marked_pictures import SavePhoto, centroids, exif_with, marked_picture, marked_pixels
from PIL import Image

from dust3r_sfm.geometry import (
    apply_affine,
    original_camera,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.images import load_color, load_gray, load_views
from dust3r_sfm.types import Camera, ImageSpec, View

UPRIGHT = (1, 3, 6, 8)
SIZES = [(401, 302), (302, 401), (433, 433)]
LONG_EDGE = 100  # so that JPEG is decoded at half size, and odd sizes leave half a column


def loaded(
    save: SavePhoto, photos, size: tuple[int, int], orientation: int, spec: ImageSpec, suffix: str
) -> View:
    exif = exif_with({274: orientation})
    save(f"a{suffix}", marked_picture(*size, radius_px=30.0), exif=exif)
    save("other.png")
    return load_views(photos, spec).views[0]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_markers_are_where_the_affine_puts_them_in_every_format(save, photos, orientation, suffix) -> None:
    view = loaded(save, photos, (401, 302), orientation, ImageSpec(LONG_EDGE), suffix)
    expected = apply_affine(view.pixel_from_original, marked_pixels(401, 302))
    np.testing.assert_allclose(centroids(view.image), expected, atol=0.1)
    assert view.original_size == (401, 302)


@pytest.mark.parametrize("multiple", [1, 16])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_markers_are_where_the_affine_puts_them(save, photos, size, orientation, multiple) -> None:
    view = loaded(save, photos, size, orientation, ImageSpec(LONG_EDGE, multiple), ".jpg")
    expected = apply_affine(view.pixel_from_original, marked_pixels(*size))
    np.testing.assert_allclose(centroids(view.image), expected, atol=0.1)
    assert view.original_size == size


@pytest.mark.parametrize("multiple", [1, 16])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_upright_and_cropped_about_the_centre(save, photos, size, orientation, multiple) -> None:
    view = loaded(save, photos, size, orientation, ImageSpec(LONG_EDGE, multiple), ".png")
    upright = size[::-1] if orientation in (6, 8) else size
    fitted = [round(side * LONG_EDGE / max(size)) for side in upright]
    assert view.size == tuple(side - side % multiple for side in fitted)
    corners = np.array([[0.0, 0.0], size])
    before, after = np.sort(apply_affine(view.pixel_from_original, corners), axis=0)
    np.testing.assert_allclose(after - before, fitted, atol=1e-9)
    # What is cropped off is the same on both sides, up to the odd pixel.
    assert (np.abs((after - view.size) + before) <= 1 + 1e-9).all()


@pytest.mark.parametrize("multiple", [1, 16])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_original_camera_agrees_with_the_view(save, photos, size, orientation, multiple) -> None:
    view = loaded(save, photos, size, orientation, ImageSpec(LONG_EDGE, multiple), ".jpg")
    camera = Camera.pinhole(*view.size, 130.0, 131.0, 71.0, 52.0)
    cam_from_world = rigid(rotation_from_vector(np.array([0.2, 0.1, -0.4])), np.array([0.1, -0.3, 5.0]))
    points = np.random.default_rng(0).normal(size=(40, 3))

    original, original_from_view = original_camera(view, camera)

    through_view = apply_affine(
        np.linalg.inv(view.pixel_from_original), project(transform_points(cam_from_world, points), camera)
    )
    direct = project(transform_points(original_from_view @ cam_from_world, points), original)
    np.testing.assert_allclose(direct, through_view, atol=1e-9)
    assert (original.width, original.height) == size


@pytest.mark.parametrize("long_edge", [90, 300, 5000])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_gray_shows_the_photo_where_its_affine_says(save, photos, orientation, long_edge) -> None:
    view = loaded(save, photos, (401, 302), orientation, ImageSpec(LONG_EDGE, 16), ".jpg")
    gray, view_from_gray = load_gray(view, long_edge)
    assert max(gray.shape) == min(long_edge, 401)
    # One blob at a time: the markers' luminances differ, their places do not.
    for in_view in centroids(view.image):
        x, y = apply_affine(np.linalg.inv(view_from_gray), in_view)
        half = round(20 * max(gray.shape) / 401)
        top, left = round(y) - half, round(x) - half
        window = gray[top : top + 2 * half, left : left + 2 * half, None]
        np.testing.assert_allclose(
            centroids(window * 1.0)[0] + [left, top], [x, y], atol=0.3 * max(1.0, max(gray.shape) / LONG_EDGE)
        )


def test_gray_of_a_view_without_a_file_is_made_of_its_image() -> None:
    image = np.array(marked_picture(200, 100))
    view = View("memory", image, np.eye(3), (200, 100))
    whole, identity = load_gray(view, 400)
    np.testing.assert_array_equal(whole, np.array(Image.fromarray(image).convert("L")))
    np.testing.assert_array_equal(identity, np.eye(3))
    half, view_from_gray = load_gray(view, 100)
    assert half.shape == (50, 100)
    np.testing.assert_allclose(view_from_gray, np.diag([2.0, 2.0, 1.0]))


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_color_is_what_gray_is_made_of(save, photos, orientation) -> None:
    view = loaded(save, photos, (401, 302), orientation, ImageSpec(LONG_EDGE, 16), ".jpg")
    gray, view_from_gray = load_gray(view, 300)
    color, view_from_color = load_color(view, 300)
    np.testing.assert_array_equal(np.array(Image.fromarray(color).convert("L")), gray)
    np.testing.assert_array_equal(view_from_color, view_from_gray)
    assert len(np.unique(color.reshape(-1, 3).max(axis=1) - color.reshape(-1, 3).min(axis=1))) > 10


def test_small_photos_are_not_enlarged(save, photos) -> None:
    view = loaded(save, photos, (120, 90), 1, ImageSpec(512), ".png")
    np.testing.assert_array_equal(view.pixel_from_original, np.eye(3))
    np.testing.assert_array_equal(view.image, np.array(marked_picture(120, 90, radius_px=30.0)))


def test_square_photos_stay_square(save, photos) -> None:
    assert loaded(save, photos, (433, 433), 1, ImageSpec(224, 16), ".jpg").size == (224, 224)
