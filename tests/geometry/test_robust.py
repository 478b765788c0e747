"""Against numpy's own, slower ones."""

import warnings

import numpy as np

from dust3r_sfm.geometry.robust import known_median


def test_medians_are_numpys():
    rng = np.random.default_rng(0)
    for width in (1, 2, 7, 8):
        values = rng.standard_normal((40, width))
        values[rng.uniform(size=values.shape) < 0.4] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            np.testing.assert_array_equal(known_median(values), np.nanmedian(values, axis=1))
