"""Pixels of points and rays of pixels, through any lens that COLMAP knows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.cameras import radial_coefficient
from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.types import Camera


def project(points: Float[np.ndarray, "*batch 3"], camera: Camera) -> Float[np.ndarray, "*batch 2"]:
    """Continuous pixels of camera-frame points; nan where the camera does not see them, as behind it."""
    points = points.astype(np.float64, copy=False)
    if not camera.is_pinhole:
        found = pycolmap_camera(camera).img_from_cam(points.reshape(-1, 3))
        return _finite(found).reshape(*points.shape[:-1], 2)
    x, y = _divided(points)
    return np.stack([x * camera.fx + camera.cx, y * camera.fy + camera.cy], axis=-1)


def unproject(
    pixels: Float[np.ndarray, "*batch 2"], depth: Float[np.ndarray, "*batch"], camera: Camera
) -> Float[np.ndarray, "*batch 3"]:
    """Camera-frame points at z = depth behind continuous pixels; nan where the lens has no such ray."""
    x, y = _normalized(pixels, camera)
    return np.stack([x * depth, y * depth, depth], axis=-1)


def unit_rays(pixels: Float[np.ndarray, "n 2"], camera: Camera) -> Float[np.ndarray, "n 3"]:
    """Directions of continuous pixels in the camera's frame, of length 1."""
    rays = unproject(pixels, np.ones(len(pixels)), camera)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def normalized_from_pixels(
    pixels: Float[np.ndarray, "*batch 2"], camera: Camera
) -> Float[np.ndarray, "*batch 2"]:
    """x / z and y / z in the camera's frame, before the lens; nan where it has no such ray."""
    return np.moveaxis(_normalized(pixels, camera), 0, -1)


def undistort_pixels(pixels: Float[np.ndarray, "*batch 2"], camera: Camera) -> Float[np.ndarray, "*batch 2"]:
    """Where `undistort_camera(camera)` sees what the camera sees at continuous pixels."""
    x, y = _normalized(pixels, camera)
    return np.stack([x * camera.fx + camera.cx, y * camera.fy + camera.cy], axis=-1)


def _normalized(pixels: Float[np.ndarray, "*batch 2"], camera: Camera) -> Float[np.ndarray, "2 *batch"]:
    """By coordinate, as numpy is slow along an axis of two."""
    pixels = pixels.astype(np.float64, copy=False)
    if camera.is_pinhole:
        return np.stack([(pixels[..., 0] - camera.cx) / camera.fx, (pixels[..., 1] - camera.cy) / camera.fy])
    found = pycolmap_camera(camera).cam_from_img(pixels.reshape(-1, 2))
    return _finite(found).T.reshape(2, *pixels.shape[:-1])


def _finite(found: object) -> Float[np.ndarray, "n 2"]:
    """What pycolmap gave for pixels, with nan where it found nothing."""
    pairs = np.asarray(found, dtype=np.float64).reshape(-1, 2)
    return np.where(np.isfinite(pairs), pairs, np.nan)


def intrinsics_of(cameras: Sequence[Camera]) -> Float[np.ndarray, "n 5"]:
    """fx, fy, cx, cy and k1 of each `Camera.radial`."""
    rows = np.zeros((len(cameras), 5))
    for row, camera in zip(rows, cameras, strict=True):
        k1 = radial_coefficient(camera)
        assert k1 is not None, f"{camera.model} is no lens with one radial coefficient"
        row[:] = (*camera.focals, *camera.principal_point, k1)
    return rows


def project_each(
    points: Float[np.ndarray, "n 3"], intrinsics: Float[np.ndarray, "n 5"]
) -> Float[np.ndarray, "n 2"]:
    """`project` of points that are each in the frame of a camera of their own, as `intrinsics_of` has it: one
    formula for all, of the lens of `Camera.radial`."""
    fx, fy, cx, cy, k1 = intrinsics.T
    x, y = _divided(points)
    with np.errstate(over="ignore"):
        bent = 1.0 + k1 * (x * x + y * y)
        return np.stack([x * bent * fx + cx, y * bent * fy + cy], axis=-1)


def _divided(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "2 *batch"]:
    """x / z and y / z, nan where z is not positive."""
    z = np.asarray(points[..., 2])
    behind = z <= 0
    if behind.any():
        z = np.where(behind, np.nan, z)
    with np.errstate(over="ignore"):
        return np.stack([points[..., 0] / z, points[..., 1] / z])


def pixel_errors(
    projected: Float[np.ndarray, "n 2"], pixels: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, " n"]:
    """Reprojection errors: pixels between where points are projected to and where they are seen; infinite
    where `projected` is nan, as of points that a camera cannot see."""
    apart = np.linalg.norm(projected - pixels, axis=1)
    return np.where(np.isnan(apart), np.inf, apart)
