"""COLMAP models made in memory: images with their poses, and tracks of points."""

from collections.abc import Iterable, Sequence

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.types import Camera, Rigid


def add_camera(model: pycolmap.Reconstruction, camera_id: int, camera: Camera) -> None:
    """It is a rig of its own, as each of ours is."""
    model.add_camera_with_trivial_rig(pycolmap_camera(camera, camera_id))


def add_image(
    model: pycolmap.Reconstruction,
    image_id: int,
    camera_id: int,
    name: str,
    pixels: Float[np.ndarray, "n 2"],
    cam_from_world: Rigid,
) -> None:
    """`pixels`: its 2D points, continuous ones of the camera's image, which see no 3D point yet."""
    image = pycolmap.Image(name=name, keypoints=pixels, camera_id=camera_id, image_id=image_id)
    model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(cam_from_world[:3]))


def model_of_photos(
    names: Sequence[str],
    cameras: Sequence[Camera],
    cam_from_world: Sequence[Rigid],
    pixels: Sequence[Float[np.ndarray, "_n 2"]],
) -> pycolmap.Reconstruction:
    """Photo k is image k + 1 with camera k + 1, and sees no 3D point yet."""
    model = pycolmap.Reconstruction()
    parts = zip(names, cameras, cam_from_world, pixels, strict=True)
    for number, (name, camera, pose, places) in enumerate(parts, start=1):
        add_camera(model, number, camera)
        add_image(model, number, number, name, places, pose)
    return model


def track_of(observations: Iterable[tuple[int, int]]) -> pycolmap.Track:
    """Of image ids, and numbers of 2D points in these images: plain ones, as a million numpy scalars through
    pycolmap's bindings take several times as long."""
    return pycolmap.Track([pycolmap.TrackElement(*observation) for observation in observations])
