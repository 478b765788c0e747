"""Whether what a scene file says can be a scene: arrays that fit together, and values that every stage after
it can take. All raise ValueError with what is wrong."""

from collections.abc import Mapping

import numpy as np

from dust3r_sfm.geometry.view_cameras import exif_turn
from dust3r_sfm.io.values import FARTHEST, coordinates, finite_number, image_size, quoted, rigid_from_matrix
from dust3r_sfm.types import Camera, Rectification, Scene, UpAxis, View


def check_arrays(arrays: Mapping[str, np.ndarray], count: int) -> None:
    """For `count` views: forms, kinds of numbers, and indices within bounds."""
    points, observations = len(arrays["tracks.xyz"]), len(arrays["tracks.pixels"])
    shapes: dict[str, tuple[int, ...]] = {"cam_from_world": (count, 4, 4), "tracks.xyz": (points, 3)}
    shapes |= {"tracks.color": (points, 3), "tracks.pixels": (observations, 2)}
    shapes |= {"tracks.point_index": (observations,), "tracks.view_index": (observations,)}
    for prefix in (f"view{index}." for index in range(count)):
        height_width = arrays[prefix + "image"].shape[:2]
        shapes |= {prefix + "image": (*height_width, 3), prefix + "pixel_from_original": (3, 3)}
        shapes |= {prefix + name: height_width for name in ("depth", "confidence", "mask")}
    for name, array in arrays.items():
        if name != "header" and (array.shape != shapes[name] or array.dtype.kind != _kind(name)):
            raise ValueError(f"its array {name} is {array.dtype} of shape {array.shape}")
        if array.dtype.kind == "f" and not (np.abs(array) <= FARTHEST).all():
            raise ValueError(f"its array {name} has entries that are not finite, or far too large")
    for name, size in (("tracks.point_index", points), ("tracks.view_index", count)):
        if observations and not (arrays[name].min() >= 0 and arrays[name].max() < size):
            raise ValueError(f"its array {name} has indices outside 0..{size - 1}")


def _kind(name: str) -> str:
    """numpy's kind of dtype for an array of this name."""
    return {"image": "u", "color": "u", "mask": "b", "point_index": "i", "view_index": "i"}.get(
        name.rpartition(".")[2], "f"
    )


def check_scene(scene: Scene) -> None:
    """Of a scene whose arrays fit: one view at least, no name twice, cameras and poses that can be."""
    if not scene.views:
        raise ValueError("it has no views")
    if len(scene.cameras) != len(scene.views):
        raise ValueError(f"it has {len(scene.cameras)} cameras for {len(scene.views)} views")
    _check_up(scene.report.up)
    names = set()
    for view, camera, pose in zip(scene.views, scene.cameras, scene.cam_from_world, strict=True):
        name: object = view.name
        if not isinstance(name, str) or not name or name in names:
            raise ValueError(f"{quoted(str(view.name))} is no name of a view, or that of two")
        names.add(name)
        try:
            _check_view(view)
            _check_camera(camera, view)
            if not np.array_equal(pose[3], [0.0, 0.0, 0.0, 1.0]):
                raise ValueError("a pose whose last row is not 0 0 0 1")
            rigid_from_matrix(pose)
        except (ValueError, AssertionError) as error:
            raise ValueError(f"{quoted(view.name)}: {error}") from error


def _check_up(up: UpAxis) -> None:
    if up.direction is not None:
        length = np.linalg.norm([finite_number(value) for value in up.direction])
        if not np.isclose(length, 1.0):
            raise ValueError(f"up is {up.direction}, which is not of length 1")
    if up.std_deg is not None:
        finite_number(up.std_deg)


def _check_view(view: View) -> None:
    image_size(*view.size)
    image_size(*view.original_size)
    if not np.array_equal(view.pixel_from_original[2], [0.0, 0.0, 1.0]):
        raise ValueError("a pixel_from_original whose last row is not 0 0 1")
    if not np.linalg.det(view.pixel_from_original[:2, :2]) > 0:
        raise ValueError("a pixel_from_original that mirrors, or flattens")
    exif_turn(view)
    for focal in (view.exif_focal_px, view.known_focal_px):
        if focal is not None and not 0 < finite_number(focal) < FARTHEST:
            raise ValueError(f"a focal of {focal} pixels")
    if view.exif_position is not None:
        coordinates(view.exif_position)
    if view.rectification is not None:
        _check_rectification(view.rectification, view)


def _check_rectification(rectification: Rectification, view: View) -> None:
    for camera in (rectification.file_camera, rectification.pinhole):
        image_size(camera.width, camera.height)
        for value in camera.params:
            finite_number(value)
        if not camera.has_focals or not all(0 < focal < FARTHEST for focal in camera.focals):
            raise ValueError(f"it was straightened from or to a {camera.model} of params {camera.params}")
    pinhole = rectification.pinhole
    if not pinhole.is_pinhole or (pinhole.width, pinhole.height) != view.original_size:
        raise ValueError(f"it was straightened to a {pinhole.model} of another size than it has")


def _check_camera(camera: Camera, view: View) -> None:
    for value in camera.params:
        finite_number(value)
    if (camera.width, camera.height) != view.size:
        raise ValueError(f"a camera of {camera.width} x {camera.height} pixels for a view of {view.size}")
    if not camera.has_focals or not all(0 < focal < FARTHEST for focal in camera.focals):
        raise ValueError(f"a {camera.model} camera of params {camera.params}")
