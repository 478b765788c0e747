"""Where a network's optical axis is, and where ours is: the half pixel between them.

A pointmap's sample in row r and column c belongs to pixel (r, c) of the image, whose centre is
(c + 1/2, r + 1/2) here: nothing is to be shifted there. But the published networks learned from cameras
whose principal point is (W/2, H/2) with the first pixel's centre at (0, 0), which in our pixels is
(W/2 + 1/2, H/2 + 1/2). No picture shows where its principal point is, so they take it to be there in every
picture, and give their points in the frame of a camera that looks there. Ours looks at the centre of the
photo. The two frames differ by a turn of about half a pixel over the focal length, and by nothing else.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry.focal import focal_median
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.types import ConfidenceArray, PointmapArray, View


@dataclass(frozen=True)
class AxisConfig:
    """How the focal is found that the turn between the two axes depends on."""

    focal_pixels: int = 2_000
    """Pixels of a pointmap that are asked: enough to know by how many hundredths of a degree to turn."""
    min_relative_focal: float = 0.2
    """Over the long edge. What claims less is no picture of a pinhole, and is left alone."""


def view_from_network(
    view: View,
    points: PointmapArray,
    confidence: ConfidenceArray,
    first_pixel_centre: float,
    config: AxisConfig,
) -> Float[np.ndarray, "3 3"]:
    """The turn from the frame that a network gives points in to the frame of the view's camera, from the
    view's own pointmap. `first_pixel_centre` is where the network's training had the first pixel's
    centre, with the principal point at half the image's size: 0 for published ones, 1/2 for ours."""
    axis = np.array(view.size) / 2 + 0.5 - first_pixel_centre
    focal = _focal(points, confidence, axis, config.focal_pixels)
    if focal is None or focal < config.min_relative_focal * max(view.size):
        return np.eye(3)
    # Where our camera's axis points to, in the network's frame.
    x, y = (principal_point(view) - axis) / focal
    length = np.hypot(x, y)
    if length == 0:
        return np.eye(3)
    return Rotation.from_rotvec(np.arctan(length) / length * np.array([y, -x, 0.0])).as_matrix()


def _focal(
    points: PointmapArray, confidence: ConfidenceArray, axis: Float[np.ndarray, "2"], focal_pixels: int
) -> float | None:
    """In pixels of the view, by `focal_median` on about so many of them, evenly spread."""
    height, width = confidence.shape
    step = max(1, int(np.sqrt(height * width / focal_pixels)))
    rows, columns = np.mgrid[0:height:step, 0:width:step]
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 2) + 0.5 - axis
    sampled = points[::step, ::step].reshape(-1, 3).astype(np.float64)
    return focal_median(sampled, pixels, confidence[::step, ::step].ravel().astype(np.float64))
