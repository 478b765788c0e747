"""Against numpy's own, slower ones."""

import warnings

import numpy as np

from dust3r_sfm.geometry.robust import geman_mcclure, known_median


def test_medians_are_numpys():
    rng = np.random.default_rng(0)
    for width in (1, 2, 7, 8):
        values = rng.standard_normal((40, width))
        values[rng.uniform(size=values.shape) < 0.4] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            np.testing.assert_array_equal(known_median(values), np.nanmedian(values, axis=1))


def test_geman_mcclures_weight_is_that_of_its_loss():
    """Of r^2 / (1 + r^2): half its derivative over r."""
    ratio, step = np.linspace(0.01, 8.0, 50), 1e-6
    loss = [r**2 / (1.0 + r**2) for r in (ratio - step, ratio + step)]
    np.testing.assert_allclose(geman_mcclure(ratio), (loss[1] - loss[0]) / (4.0 * step * ratio), rtol=1e-6)
    assert geman_mcclure(np.zeros(1)) == 1.0
    assert geman_mcclure(ratio.astype(np.float32)).dtype == np.float32
