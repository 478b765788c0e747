"""How large the pinhole is that a photo is written as."""

import numpy as np
import pytest

from dust3r_sfm.exporters.images.undistortion import largest_pinhole
from dust3r_sfm.geometry import project, unproject
from dust3r_sfm.types import Camera


@pytest.mark.parametrize("k1", [-0.1, 0.1])
def test_every_pixel_shows_something_and_one_more_would_not(k1: float) -> None:
    source = Camera("SIMPLE_RADIAL", 640, 480, (500.0, 320.0, 240.0, k1))
    pinhole = largest_pinhole(source, 65)

    def reaches(width: float, height: float) -> bool:
        """Whether the edges of a pinhole of this size are in the photo."""
        x, y = np.linspace(-width / 2, width / 2, 50), np.linspace(-height / 2, height / 2, 50)
        edges = [np.column_stack([x, np.full(50, height / 2)]), np.column_stack([np.full(50, width / 2), y])]
        rays = np.column_stack([np.concatenate(edges) / pinhole.fx, np.ones(100)])
        seen = project(rays, source)
        return bool((np.abs(seen - [320, 240]) <= [320.01, 240.01]).all())

    assert reaches(pinhole.width, pinhole.height)
    assert not reaches(pinhole.width + 4, pinhole.height)
    assert not reaches(pinhole.width, pinhole.height + 4)


def test_edges_without_rays_bound_nothing() -> None:
    """A fisheye whose circle ends inside the picture."""
    circular = Camera("OPENCV_FISHEYE", 640, 480, (160.0, 160.0, 320.0, 240.0, 0.05, -0.02, 0.0, 0.0))
    assert np.isnan(unproject(np.array([[0.0, 240.0]]), np.ones(1), circular)).any()
    pinhole = largest_pinhole(circular, 65)
    assert 160 < pinhole.width <= 20 * 160
    assert 160 < pinhole.height <= 20 * 160
