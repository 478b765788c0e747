"""Cameras to pycolmap and back: here alone its cameras are made."""

import pycolmap

from dust3r_sfm.types import Camera


def pycolmap_camera(camera: Camera, camera_id: int | None = None) -> pycolmap.Camera:
    identity = {} if camera_id is None else {"camera_id": camera_id}
    return pycolmap.Camera(
        model=camera.model,
        width=camera.width,
        height=camera.height,
        params=list(camera.params),
        **identity,
    )


def camera_from_pycolmap(camera: pycolmap.Camera) -> Camera:
    params = tuple(float(value) for value in camera.params)
    return Camera(camera.model.name, camera.width, camera.height, params)
