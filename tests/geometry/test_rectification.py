"""Photos through known lenses as pinholes see them."""

import numpy as np
import pytest
from lenses import LENSES

from dust3r_sfm.geometry import pixel_grid, project
from dust3r_sfm.geometry.projection import normalized_from_pixels
from dust3r_sfm.geometry.rectification import RectificationConfig, file_pixels, rectified_pixels, rectify
from dust3r_sfm.types import Camera

BENT = [camera for camera in LENSES if not camera.is_pinhole]


@pytest.mark.parametrize("camera", BENT, ids=[camera.model for camera in BENT])
def test_a_point_is_seen_where_the_pinhole_sees_it(camera: Camera) -> None:
    rectification = rectify(camera)
    points = np.random.default_rng(0).uniform([-0.4, -0.4, 1.0], [0.4, 0.4, 3.0], (200, 3))
    straight, stored = project(points, rectification.pinhole), project(points, camera)
    np.testing.assert_allclose(file_pixels(rectification, straight), stored, atol=1e-6)
    np.testing.assert_allclose(rectified_pixels(rectification, stored), straight, atol=1e-3)


@pytest.mark.parametrize("camera", BENT, ids=[camera.model for camera in BENT])
def test_all_that_the_photo_shows_is_in_it_up_to_the_widest_view(camera: Camera) -> None:
    rectification = rectify(camera)
    pinhole = rectification.pinhole
    assert pinhole.fx == pinhole.fy == pytest.approx(np.mean(camera.focals))
    assert pinhole.principal_point == (pinhole.width / 2, pinhole.height / 2)
    grid = pixel_grid(41, 41).reshape(-1, 2) - 0.5
    rays = normalized_from_pixels(grid / 40 * [camera.width, camera.height], camera)
    wanted = rays[(np.abs(rays) <= np.tan(np.radians(60.0))).all(axis=1)]
    seen = np.array([pinhole.cx, pinhole.cy]) / pinhole.fx
    assert (np.abs(wanted) <= seen).all()
    # Nor is it larger than that, but for whole pixels and the clipped corners of fisheyes.
    assert (
        seen <= np.minimum(np.nanmax(np.abs(rays), axis=0), np.tan(np.radians(60.0))) + 2 / pinhole.fx
    ).all()


def test_of_a_fisheye_no_more_than_asked_is_taken() -> None:
    fisheye = Camera("SIMPLE_FISHEYE", 640, 640, (200.0, 320.0, 320.0))  # 183 degrees across.
    pinhole = rectify(fisheye, RectificationConfig(half_view_deg=45.0)).pinhole
    assert (pinhole.width, pinhole.height) == (400, 400)


def test_what_a_lens_shows_twice_is_shown_once() -> None:
    """Its radius grows up to 53 degrees off the axis, and shrinks from there on."""
    folded = Camera("OPENCV", 640, 480, (380.0, 380.0, 320.0, 240.0, -0.25, 0.0, 1e-3, 0.0))
    rectification = rectify(folded)
    pinhole = rectification.pinhole
    tangent = np.array([0.5, 1.0, 1.4, 1.6])
    straight = np.column_stack([pinhole.cx + pinhole.fx * tangent, np.full(4, pinhole.cy)])
    seen = file_pixels(rectification, straight)
    assert np.isfinite(seen[:2]).all()
    assert np.isnan(seen[2:]).all()


def test_a_panorama_has_no_pinhole() -> None:
    with pytest.raises(ValueError, match="EQUIRECTANGULAR"):
        rectify(Camera("EQUIRECTANGULAR", 640, 320, (640.0, 320.0)))
