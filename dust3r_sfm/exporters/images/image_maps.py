"""Depth and masks of views, brought to the pixels of the images written from their photos."""

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image

from dust3r_sfm.dense.point_cloud import usable_depth
from dust3r_sfm.exporters.images.undistortion import Placement, pixels_seen, resized_camera
from dust3r_sfm.geometry.resampling import inside, nearest_indices, sample_nearest
from dust3r_sfm.types import Camera, Scene, View

_ROWS_AT_ONCE = 256
"""Whose maps are made together: some megabytes."""


def depth_camera(placement: Placement) -> Camera:
    """The written image's camera with about as many pixels as the view has there: more would hold no more
    depth. Its width and height are whole; readers scale by their ratio to the image's."""
    scale = placement.view_from_source[0, 0] * placement.full.width / placement.camera.width
    size = placement.camera.width, placement.camera.height
    width, height = (max(1, round(side * min(1.0, scale))) for side in size)
    return resized_camera(placement.camera, (width, height))


def depth_image(
    scene: Scene, view: int, camera: Camera, min_confidence: float, one_surface: float = 1.05
) -> Float[np.ndarray, "h w"]:
    """z in world units as `camera`, at the view's pose, sees it; 0 where it is unknown, masked out or less
    trusted than `min_confidence`. float32. Neighbouring depths within the ratio `one_surface` are
    interpolated; others are a step, which has no middle."""
    depth = np.where(usable_depth(scene, view, min_confidence), scene.depth[view], 0.0)
    seen = pixels_seen(scene.cameras[view], camera).reshape(-1, 2)
    values = _interpolate(depth.astype(np.float64), seen, one_surface)
    values[~inside(seen, *depth.shape)] = 0.0
    return values.reshape(camera.height, camera.width).astype(np.float32)


def _interpolate(
    depth: Float[np.ndarray, "h w"], pixels: Float[np.ndarray, "n 2"], one_surface: float
) -> Float[np.ndarray, " n"]:
    """Bilinear on one surface, and the nearest value at steps and beside unknown depth."""
    height, width = depth.shape
    at = np.clip(pixels - 0.5, 0.0, [width - 1.0, height - 1.0])
    left, top = np.floor(at).astype(np.int64).T
    share_x, share_y = (at - np.floor(at)).T
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    corners = np.stack([depth[top, left], depth[top, right], depth[bottom, left], depth[bottom, right]])
    weights = np.stack(
        [(1 - share_x) * (1 - share_y), share_x * (1 - share_y), (1 - share_x) * share_y, share_x * share_y]
    )
    smooth = (corners.min(axis=0) > 0) & (corners.max(axis=0) <= one_surface * corners.min(axis=0))
    nearest = depth[nearest_indices(pixels, height, width)]
    return np.where(smooth, (corners * weights).sum(axis=0), nearest)


def mask_image(view: View, view_camera: Camera, camera: Camera) -> Image.Image:
    """255 where the view's mask keeps what `camera` sees, 0 where it does not; beyond the view its edge
    goes on. In blocks of a view pixel: the mask was made as small as the view when photos were read."""
    keep = np.full((camera.height, camera.width), 255, dtype=np.uint8)
    if view.mask is not None:
        for start in range(0, camera.height, _ROWS_AT_ONCE):
            seen = pixels_seen(view_camera, camera, start, start + _ROWS_AT_ONCE)
            part: Bool[np.ndarray, " n"] = sample_nearest(view.mask, seen.reshape(-1, 2))
            keep[start : start + _ROWS_AT_ONCE] = part.reshape(seen.shape[:2]) * np.uint8(255)
    return Image.fromarray(keep)
