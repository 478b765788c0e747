"""Cameras of views: before anything but their focal is known, and carried to the stored file and back."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.cameras import radial_coefficient, reframe_camera
from dust3r_sfm.geometry.pixels import apply_affine
from dust3r_sfm.geometry.transforms import rigid
from dust3r_sfm.types import Camera, Rigid, View


def principal_point(view: View) -> Float[np.ndarray, "2"]:
    """Where the centre of the stored file lies, in continuous pixels of the view."""
    return apply_affine(view.pixel_from_original, np.array(view.original_size, dtype=np.float64) / 2)


def view_camera(view: View, focal: float) -> Camera:
    """Square pixels, focal in view pixels, principal point at the stored file's centre."""
    return Camera.pinhole(*view.size, focal, focal, *principal_point(view))


def view_scale(view: View) -> float:
    """View pixels for each pixel of the stored file (geometric mean of both axes)."""
    return float(np.sqrt(abs(np.linalg.det(view.pixel_from_original[:2, :2]))))


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
    K = product @ rotation.T
    original = _turned_camera(camera, view.original_size, (K[0, 0], K[1, 1]), (K[0, 2], K[1, 2]))
    return original, rigid(rotation, np.zeros(3))


def camera_of_view(view: View, original: Camera) -> Camera:
    """The camera of the stored file in pixels of the view; inverse of `original_camera`."""
    scale = np.abs(view.pixel_from_original[:2, :2])
    fx, fy = scale @ original.focals
    cx, cy = apply_affine(view.pixel_from_original, np.array(original.principal_point))
    return _turned_camera(original, view.size, (fx, fy), (cx, cy))


def _turned_camera(
    camera: Camera, size: tuple[int, int], focals: tuple[float, float], principal_point: tuple[float, float]
) -> Camera:
    """As before an image that may be turned by quarters: of no matter to a lens that is the same all around
    its axis, as those are that alignment solves for."""
    assert radial_coefficient(camera) is not None, f"what a turn does to a {camera.model} lens is not known"
    return reframe_camera(camera, size, focals, principal_point)
