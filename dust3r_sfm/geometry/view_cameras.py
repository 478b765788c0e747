"""The pinhole camera a view has before anything but its focal is known, and pycolmap's form of it."""

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.geometry.lens import pinhole_lens, pycolmap_lens
from dust3r_sfm.geometry.projection import apply_affine
from dust3r_sfm.types import Camera, View


def principal_point(view: View) -> Float[np.ndarray, "2"]:
    """Where the centre of the stored file lies, in continuous pixels of the view."""
    return apply_affine(view.pixel_from_original, np.array(view.original_size, dtype=np.float64) / 2)


def view_camera(view: View, focal: float) -> Camera:
    """Square pixels, focal in view pixels, principal point at the stored file's centre."""
    cx, cy = principal_point(view)
    return Camera(view.size[0], view.size[1], focal, focal, float(cx), float(cy))


def view_scale(view: View) -> float:
    """View pixels for each pixel of the stored file (geometric mean of both axes)."""
    return float(np.sqrt(abs(np.linalg.det(view.pixel_from_original[:2, :2]))))


def scaled_camera(camera: Camera, scale: float) -> Camera:
    """The camera of the same image with `scale` times as many pixels along each side."""
    return Camera(
        round(camera.width * scale),
        round(camera.height * scale),
        scale * camera.fx,
        scale * camera.fy,
        scale * camera.cx,
        scale * camera.cy,
        camera.k1,
    )


def pycolmap_camera(camera: Camera) -> pycolmap.Camera:
    """The pinhole behind the camera's lens: for `ideal_pixels`."""
    return pycolmap_lens(pinhole_lens(camera))
