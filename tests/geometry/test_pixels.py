"""Continuous pixels."""

import numpy as np
import pytest

from dust3r_sfm.geometry import apply_affine, original_pixels, pixel_grid, view_pixels
from dust3r_sfm.types import View


def test_pixel_grid_starts_at_half() -> None:
    grid = pixel_grid(2, 3)
    assert grid.shape == (2, 3, 2)
    np.testing.assert_array_equal(grid[0, 0], [0.5, 0.5])
    np.testing.assert_array_equal(grid[1, 2], [2.5, 1.5])


@pytest.mark.parametrize("batch", [(), (1,), (3, 1, 2)])
def test_apply_affine_is_the_homogeneous_product(batch: tuple[int, ...]) -> None:
    affine = np.array([[0.1, 2.0, 3.0], [-1.0, 0.4, 5.0], [0.0, 0.0, 1.0]])
    pixels = np.random.default_rng(2).normal(size=(*batch, 2))
    homogeneous = np.concatenate([pixels, np.ones((*batch, 1))], axis=-1) @ affine.T
    np.testing.assert_allclose(apply_affine(affine, pixels), homogeneous[..., :2], atol=1e-8)


def test_corners_of_a_photo_that_exif_turns_and_that_is_cropped() -> None:
    # 40 x 30 stored, turned clockwise, a quarter of the size, and a pixel off on the left.
    view = View(
        "a.jpg",
        np.zeros((10, 6, 3), np.uint8),
        np.array([[0, -0.25, 6.5], [0.25, 0, 0], [0, 0, 1]]),
        (40, 30),
    )
    corners = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 30.0], [0.0, 30.0]])
    expected = np.array([[6.5, 0.0], [6.5, 10.0], [-1.0, 10.0], [-1.0, 0.0]])
    np.testing.assert_allclose(view_pixels(view, corners), expected)
    np.testing.assert_allclose(original_pixels(view, expected), corners)
