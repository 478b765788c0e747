"""Pinhole projection, and cameras carried between a view's pixels and its original file's."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.transforms import rigid
from dust3r_sfm.types import Affine, Camera, Rigid, View

_Number = float | Float[np.ndarray, " n"]

UNDISTORTIONS = 12
"""Newton steps: enough for 1e-12 at any distortion a photo lens has."""
CONVERGED = 1e-13
"""Largest step in a normalised coordinate after which no other is taken: most lenses need five."""


def pixel_grid(height: int, width: int) -> Float[np.ndarray, "h w 2"]:
    """Continuous (x, y) of every pixel centre: the first is (0.5, 0.5)."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y], axis=-1)


def unproject(
    pixels: Float[np.ndarray, "*batch 2"], depth: Float[np.ndarray, "*batch"], camera: Camera
) -> Float[np.ndarray, "*batch 3"]:
    """Camera-frame points at z = depth behind continuous pixels."""
    x, y = _own_rays(pixels, camera)
    return np.stack([x * depth, y * depth, depth], axis=-1)


def project(points: Float[np.ndarray, "*batch 3"], camera: Camera) -> Float[np.ndarray, "*batch 2"]:
    """Continuous pixels of camera-frame points. Points with z <= 0 have no meaningful image."""
    return _projected(points, camera.fx, camera.fy, camera.cx, camera.cy, camera.k1)


def intrinsics_of(cameras: Sequence[Camera]) -> Float[np.ndarray, "n 5"]:
    """fx, fy, cx, cy and k1 of each camera."""
    rows = [[camera.fx, camera.fy, camera.cx, camera.cy, camera.k1] for camera in cameras]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def project_each(
    points: Float[np.ndarray, "n 3"], intrinsics: Float[np.ndarray, "n 5"]
) -> Float[np.ndarray, "n 2"]:
    """The same of points that are each in the frame of a camera of their own, as `intrinsics_of` has it."""
    return _projected(points, *intrinsics.T)


def _projected(
    points: Float[np.ndarray, "*batch 3"], fx: _Number, fy: _Number, cx: _Number, cy: _Number, k1: _Number
) -> Float[np.ndarray, "*batch 2"]:
    points = points.astype(np.float64, copy=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
        bent = 1.0 + k1 * (x * x + y * y)
        return np.stack([x * bent * fx + cx, y * bent * fy + cy], axis=-1)


def pixel_errors(
    projected: Float[np.ndarray, "n 2"], pixels: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, " n"]:
    """Reprojection errors: pixels between where points are projected to and where they are seen; infinite
    where `projected` is nan, as of points that a camera cannot see."""
    apart = np.linalg.norm(projected - pixels, axis=1)
    return np.where(np.isnan(apart), np.inf, apart)


def ideal_pixels(pixels: Float[np.ndarray, "*batch 2"], camera: Camera) -> Float[np.ndarray, "*batch 2"]:
    """Where the camera would see the same things if its lens did not distort."""
    x, y = _own_rays(pixels, camera)
    return np.stack([x * camera.fx + camera.cx, y * camera.fy + camera.cy], axis=-1)


def _own_rays(pixels: Float[np.ndarray, "*batch 2"], camera: Camera) -> Float[np.ndarray, "2 *batch"]:
    """Normalised x and y before the lens: by coordinate, as numpy is slow along an axis of two."""
    pixels = pixels.astype(np.float64, copy=False)
    rays = np.stack([(pixels[..., 0] - camera.cx) / camera.fx, (pixels[..., 1] - camera.cy) / camera.fy])
    return rays if camera.k1 == 0.0 else rays * _straightened(np.asarray(np.hypot(*rays)), camera.k1)


def _straightened(seen: Float[np.ndarray, "*batch"], k1: float) -> Float[np.ndarray, "*batch"]:
    """Radius before the lens over that `seen`, by Newton's method. Beyond the radius where the lens model
    folds back there is no answer, and the iteration stays finite."""
    radius = seen.copy()
    for _ in range(UNDISTORTIONS):
        squared = k1 * radius * radius
        slope = np.maximum(1.0 + 3.0 * squared, 0.1)
        before = radius
        radius = np.maximum(radius - (radius * (1.0 + squared) - seen) / slope, 0.0)
        if np.abs(radius - before).max(initial=0.0) < CONVERGED:
            break
    return np.where(seen > 0, radius / np.where(seen > 0, seen, 1.0), 1.0)


def apply_affine(affine: Affine, pixels: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    return pixels @ affine[:2, :2].T + affine[:2, 2]


def exif_turn(view: View) -> Float[np.ndarray, "2 2"]:
    """upright_from_stored without its shift: the turn by a multiple of 90 degrees that the photo's EXIF
    orientation asked for, out of the view's affine.

    The affine must be such a turn with a scale for each axis and a shift; mirrored ones are refused when
    photos are read.
    """
    linear = view.pixel_from_original[:2, :2]
    turn = np.sign(np.round(linear / np.abs(linear).max(), 6))
    is_rotation = np.array_equal(turn @ turn.T, np.eye(2)) and np.linalg.det(turn) > 0
    assert is_rotation, "a mirrored or sheared affine has no pinhole camera"
    return turn


def original_camera(view: View, camera: Camera) -> tuple[Camera, Rigid]:
    """The camera of the stored file, and `original_from_view`: the rotation about the optical axis
    that takes camera-frame points of the view to those of the stored file (identity unless the
    photo was turned by its EXIF orientation). cam_from_world of the stored file is
    original_from_view @ cam_from_world.

    The affine must be as `exif_turn` wants it.
    """
    original_from_pixel = np.linalg.inv(view.pixel_from_original)
    product = original_from_pixel @ camera.matrix
    rotation = np.eye(3)
    rotation[:2, :2] = exif_turn(view).T
    matrix = product @ rotation.T
    width, height = view.original_size
    original = Camera(width, height, matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], camera.k1)
    return original, rigid(rotation, np.zeros(3))
