"""Against lengths that are in every table of the ellipsoid."""

import numpy as np

from dust3r_sfm.pipeline.known.world import east_north_up


def test_a_degree_of_latitude_is_111_km_and_of_longitude_half_of_it_at_60_degrees() -> None:
    places = east_north_up(np.array([[60.0, 10.0, 50.0], [60.001, 10.0, 50.0], [60.0, 10.001, 57.0]]))
    np.testing.assert_allclose(places[0], 0.0, atol=1e-8)
    np.testing.assert_allclose(places[1], [0.0, 111.412, 0.0], atol=2e-3)
    np.testing.assert_allclose(places[2], [55.800, 0.0, 7.0], atol=2e-3)
