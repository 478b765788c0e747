"""Cameras of any of COLMAP's models, by pycolmap: here alone its cameras are made."""

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.types import Camera, LensCamera


def pycolmap_lens(camera: LensCamera, camera_id: int | None = None) -> pycolmap.Camera:
    identity = {} if camera_id is None else {"camera_id": camera_id}
    return pycolmap.Camera(
        model=camera.model,
        width=camera.width,
        height=camera.height,
        params=list(camera.params),
        **identity,
    )


def pinhole_lens(camera: Camera) -> LensCamera:
    """The pinhole behind the camera's lens."""
    return _lens("PINHOLE", camera, camera.fx, camera.fy, camera.cx, camera.cy)


def opencv_lens(camera: Camera) -> LensCamera:
    """The camera with its lens, and with both focals."""
    return _lens("OPENCV", camera, camera.fx, camera.fy, camera.cx, camera.cy, camera.k1, 0.0, 0.0, 0.0)


def simple_radial_lens(camera: Camera) -> LensCamera:
    """The camera with its lens, whose pixels are square."""
    return _lens("SIMPLE_RADIAL", camera, camera.fx, camera.cx, camera.cy, camera.k1)


def simple_pinhole_lens(camera: Camera) -> LensCamera:
    """The pinhole behind the camera's lens, whose pixels are square."""
    return _lens("SIMPLE_PINHOLE", camera, camera.fx, camera.cx, camera.cy)


def _lens(model: str, camera: Camera, *params: float) -> LensCamera:
    return LensCamera(model, camera.width, camera.height, params)


def lens_camera(camera: pycolmap.Camera) -> LensCamera:
    return LensCamera(
        camera.model.name, camera.width, camera.height, tuple(float(value) for value in camera.params)
    )


def mean_focal(camera: LensCamera) -> float:
    """Pixels of the stored file."""
    return float(pycolmap_lens(camera).mean_focal_length())


def normalized(pixels: Float[np.ndarray, "n 2"], camera: LensCamera) -> Float[np.ndarray, "n 2"]:
    """x / z and y / z in the camera's frame, without the lens; nan where there is none."""
    found = np.asarray(pycolmap_lens(camera).cam_from_img(pixels), dtype=np.float64).reshape(-1, 2)
    return np.where(np.isfinite(found), found, np.nan)


def projected(points: Float[np.ndarray, "n 3"], camera: LensCamera) -> Float[np.ndarray, "n 2"]:
    """Continuous pixels of the stored file for camera-frame points; nan where they are not seen."""
    found = np.asarray(pycolmap_lens(camera).img_from_cam(points), dtype=np.float64).reshape(-1, 2)
    return np.where(np.isfinite(found), found, np.nan)
