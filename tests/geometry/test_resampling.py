import numpy as np

from dust3r_sfm.geometry.pixels import pixel_grid
from dust3r_sfm.geometry.resampling import inside, sample_bilinear, sample_nearest


def test_pixel_centres_give_the_pixels():
    values = np.random.default_rng(0).random((5, 7, 2))
    pixels = pixel_grid(5, 7).reshape(-1, 2)
    np.testing.assert_allclose(sample_bilinear(values, pixels), values.reshape(-1, 2))
    np.testing.assert_array_equal(sample_nearest(values, pixels), values.reshape(-1, 2))


def test_bilinear_is_exact_on_a_linear_ramp():
    grid = pixel_grid(6, 8)
    ramp = 2.0 * grid[..., 0] - 3.0 * grid[..., 1] + 1.0
    pixels = np.random.default_rng(1).uniform([0.5, 0.5], [7.5, 5.5], (50, 2))
    np.testing.assert_allclose(sample_bilinear(ramp, pixels), pixels @ [2.0, -3.0] + 1.0)


def test_outside_takes_the_border_and_is_known_to_be_outside():
    values = np.arange(6.0).reshape(2, 3)
    pixels = np.array([[-4.0, 0.5], [99.0, 99.0], [2.99, 1.99]])
    np.testing.assert_allclose(sample_bilinear(values, pixels), [0.0, 5.0, 5.0])
    np.testing.assert_array_equal(inside(pixels, 2, 3), [False, False, True])
    assert not inside(np.array([[np.nan, 0.5]]), 2, 3)[0]
