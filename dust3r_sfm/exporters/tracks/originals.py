"""A scene's cameras and observations, carried to the pixels of the stored photo files."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import original_camera, project
from dust3r_sfm.geometry.cameras import radial_coefficient
from dust3r_sfm.geometry.projection import intrinsics_of, pixel_errors, project_each
from dust3r_sfm.geometry.rectification import file_pixels as pixels_of_file
from dust3r_sfm.types import Camera, Scene, View


@dataclass(frozen=True)
class FilePixels:
    """A scene in pixels of image files: the stored photos, or ones written from them.

    `cameras` and `cam_from_world` run parallel to the scene's views; `pixels` (continuous) and
    `errors_px` (reprojection errors there, inf behind the camera) to the observations of its tracks.
    """

    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    pixels: Float[np.ndarray, "o 2"]
    errors_px: Float[np.ndarray, " o"]


def originals_of(scene: Scene) -> FilePixels:
    """In pixels of the STORED files, before any EXIF rotation: cameras by `geometry.original_camera`,
    pixels by the inverse of each view's affine. Of photos that were straightened the camera is the known
    one, with its lens, and pixels go through it."""
    pairs = [original_camera(view, camera) for view, camera in zip(scene.views, scene.cameras, strict=True)]
    cameras = tuple(
        _stored_camera(view, camera) for view, (camera, _) in zip(scene.views, pairs, strict=True)
    )
    turns = np.stack([turn for _, turn in pairs]) if pairs else np.zeros((0, 4, 4))
    cam_from_world = turns @ scene.cam_from_world
    return file_pixels(scene, cameras, cam_from_world, _through_lenses(scene, _original_pixels(scene)))


def _stored_camera(view: View, camera: Camera) -> Camera:
    return camera if view.rectification is None else view.rectification.file_camera


def _through_lenses(scene: Scene, pixels: Float[np.ndarray, "o 2"]) -> Float[np.ndarray, "o 2"]:
    for index, view in enumerate(scene.views):
        if view.rectification is not None:
            rows = scene.tracks.view_index == index
            pixels[rows] = pixels_of_file(view.rectification, pixels[rows])
    return pixels


def file_pixels(
    scene: Scene,
    cameras: tuple[Camera, ...],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    pixels: Float[np.ndarray, "o 2"],
) -> FilePixels:
    """With the reprojection errors of the scene's tracks at these pixels."""
    errors_px = pixel_errors(_projections(scene, cameras, cam_from_world), pixels)
    return FilePixels(cameras, cam_from_world, pixels, errors_px)


def _original_pixels(scene: Scene) -> Float[np.ndarray, "o 2"]:
    affines = np.array([view.pixel_from_original for view in scene.views], dtype=float).reshape(-1, 3, 3)
    original_from_pixel = np.linalg.inv(affines)[scene.tracks.view_index]
    turned = np.einsum("oij,oj->oi", original_from_pixel[:, :2, :2], scene.tracks.pixels)
    return turned + original_from_pixel[:, :2, 2]


def _projections(
    scene: Scene, cameras: tuple[Camera, ...], cam_from_world: Float[np.ndarray, "n 4 4"]
) -> Float[np.ndarray, "o 2"]:
    """Where the track points fall in the stored files; NaN for those behind the camera."""
    observing = cam_from_world[scene.tracks.view_index]
    points = scene.tracks.xyz[scene.tracks.point_index].astype(float)
    in_camera = np.einsum("oij,oj->oi", observing[:, :3, :3], points) + observing[:, :3, 3]
    if all(radial_coefficient(camera) is not None for camera in cameras):
        return project_each(in_camera, intrinsics_of(cameras)[scene.tracks.view_index])
    pixels = np.empty((len(in_camera), 2))
    for index, camera in enumerate(cameras):
        rows = scene.tracks.view_index == index
        pixels[rows] = project(in_camera[rows], camera)
    return pixels
