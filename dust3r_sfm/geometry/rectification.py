"""Photos whose lens is known, as a pinhole in the camera's place would have taken them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.cameras import mean_focal
from dust3r_sfm.geometry.pixels import pixel_grid
from dust3r_sfm.geometry.projection import project, unproject
from dust3r_sfm.types import Camera, Rectification


@dataclass(frozen=True)
class RectificationConfig:
    """How much of a photo a pinhole is given to see."""

    half_view_deg: float = 60.0
    """Most, to each side of the axis: at 60 degrees a pixel of the pinhole shows a quarter as much across as
    at its centre, and what is farther out is left aside."""
    samples: int = 65
    """Places along each side of the photo whose rays tell how far it sees."""
    exact_px: float = 0.01
    """A ray belongs to a pixel if it comes back to it this near (and a pixel to its ray where photos are
    straightened): beyond what a lens was measured for, its polynomials turn back."""


def rectify(file_camera: Camera, config: RectificationConfig | None = None) -> Rectification:
    """The pinhole of the mean focal, with square pixels and the principal point at its centre, so large that
    it sees all that the photo shows within `half_view_deg`. Raises ValueError for a camera without focals,
    and where nothing of the photo has a ray."""
    config = config or RectificationConfig()
    x, y = np.abs(_seen_directions(file_camera, config)).max(axis=0)
    focal = mean_focal(file_camera)
    width, height = 2 * int(np.ceil(x * focal)), 2 * int(np.ceil(y * focal))
    return Rectification(file_camera, Camera.pinhole(width, height, focal, focal, width / 2, height / 2))


def _seen_directions(camera: Camera, config: RectificationConfig) -> Float[np.ndarray, "n 2"]:
    """x / z and y / z of what the photo shows, each at most the tangent of `half_view_deg`."""
    grid = pixel_grid(config.samples, config.samples).reshape(-1, 2) - 0.5
    pixels = grid / (config.samples - 1) * [camera.width, camera.height]
    rays = unproject(pixels, np.ones(len(pixels)), camera)
    back = project(rays, camera)
    kept = np.linalg.norm(back - pixels, axis=1) < config.exact_px
    if not kept.any():
        raise ValueError(f"a {camera.model} camera of params {camera.params} has no ray for any pixel")
    most = np.tan(np.radians(config.half_view_deg))
    return np.clip(rays[kept, :2], -most, most)


def file_pixels(
    rectification: Rectification,
    pixels: Float[np.ndarray, "*batch 2"],
    exact_px: float = RectificationConfig.exact_px,
) -> Float[np.ndarray, "*batch 2"]:
    """Where the stored file shows what the rectified photo shows at continuous pixels; nan where it does
    not, as where the lens's polynomials turn back and would show a place for the second time."""
    rays = unproject(pixels, np.ones(pixels.shape[:-1]), rectification.pinhole)
    found = project(rays, rectification.file_camera)
    back = rectified_pixels(rectification, found)
    # Of nan the comparison is false.
    apart = np.linalg.norm(back - pixels, axis=-1, keepdims=True)
    return np.where(apart < exact_px, found, np.nan)


def rectified_pixels(
    rectification: Rectification, pixels: Float[np.ndarray, "*batch 2"]
) -> Float[np.ndarray, "*batch 2"]:
    """Inverse of `file_pixels`; nan where the lens has no such ray."""
    rays = unproject(pixels, np.ones(pixels.shape[:-1]), rectification.file_camera)
    return project(rays, rectification.pinhole)
