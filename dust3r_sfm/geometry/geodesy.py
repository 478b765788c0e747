"""Latitudes and longitudes as lengths: the WGS 84 ellipsoid (NIMA TR8350.2)."""

import numpy as np
from jaxtyping import Float

EQUATOR_M = 6_378_137.0
ECCENTRICITY_SQUARED = 6.694_379_990_14e-3


def earth_centred(geodetic: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Metres from the earth's centre (x to the null meridian, z to the north pole) of rows of latitude and
    longitude in degrees and height in metres."""
    latitude, longitude = np.radians(geodetic[:, 0]), np.radians(geodetic[:, 1])
    height = geodetic[:, 2]
    normal = EQUATOR_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    across = (normal + height) * np.cos(latitude)
    up = (normal * (1.0 - ECCENTRICITY_SQUARED) + height) * np.sin(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), up], axis=-1)


def east_north_up(geodetic: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """The same in metres east, north and up of the first row."""
    latitude, longitude = np.radians(geodetic[0, :2])
    sin_lat, cos_lat, sin_lon, cos_lon = (f(x) for x in (latitude, longitude) for f in (np.sin, np.cos))
    axes = np.array(
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )
    places = earth_centred(geodetic)
    return (places - places[0]) @ axes.T
