"""What is known of the cameras beforehand, out of files, for the photos that are there."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from dust3r_sfm.alignment import Presets
from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.cameras import radial_coefficient
from dust3r_sfm.geometry.rectification import rectify
from dust3r_sfm.images.rectifying import RectificationOf
from dust3r_sfm.io.colmap_model import model_folder, read_posed_cameras
from dust3r_sfm.io.intrinsics import read_intrinsics
from dust3r_sfm.io.transforms_json import read_transforms_poses
from dust3r_sfm.pipeline.known.config import KnownCameras
from dust3r_sfm.types import Camera, Rectification, Rigid, View

CameraOf: TypeAlias = Callable[[str, tuple[int, int]], Camera | None]
"""By photo name and (width, height) of its file. Raises InputError for a camera of another size."""


def read_known_cameras(known: KnownCameras, presets: Presets) -> CameraOf:
    """What `presets` and the file of cameras say, where both do `presets`. Raises InputError for a file that
    cannot be read."""
    from_file = _cameras_in(known.cameras) if known.cameras is not None else lambda name, size: None
    return lambda name, size: presets.cameras.get(name) or from_file(name, size)


def lens_without_form(source: Path) -> Camera | None:
    """The first camera of a list or a COLMAP model whose photos are straightened first; None where there is
    none. Raises InputError for what cannot be read."""
    if source.is_dir():
        folder = model_folder(source)
        cameras = [] if folder is None else [posed.camera for posed in read_posed_cameras(folder).values()]
    else:
        given = read_intrinsics(source)
        cameras = [*given.by_name.values(), *given.by_size.values()]
    return next((camera for camera in cameras if radial_coefficient(camera) is None), None)


def rectification_of_cameras(camera_of: CameraOf) -> RectificationOf:
    """Of photos whose lens alignment has no model for: they are straightened first. Raises InputError for a
    lens without any ray."""

    def rectification_of(name: str, size: tuple[int, int]) -> Rectification | None:
        camera = camera_of(name, size)
        if camera is None or not camera.has_focals or radial_coefficient(camera) is not None:
            return None
        try:
            return rectify(camera)
        except ValueError as error:
            raise InputError(f"{name}: its camera cannot be used ({error}); leave its camera out") from error

    return rectification_of


def presets_of_views(
    known: KnownCameras, presets: Presets, views: Sequence[View], camera_of: CameraOf | None = None
) -> Presets:
    """`presets` and what the files say of these views; where both do, `presets` hold. The camera of a photo
    that was straightened is the pinhole that sees it now.

    Raises InputError for files that cannot be read or name none of the photos.
    """
    if known.focal_px is not None:
        _check_focal(known.focal_px, views)
    focals = {} if known.focal_px is None else {view.name: known.focal_px for view in views}
    camera_of = camera_of or read_known_cameras(known, presets)
    cameras = {} if known.cameras is None else _cameras_of_views(known.cameras, views, camera_of)
    straightened = {v.name: v.rectification.pinhole for v in views if v.rectification is not None}
    poses = {} if known.poses is None else _poses_of_views(known.poses, views)
    return replace(
        presets,
        focal_px={**focals, **presets.focal_px},
        cameras={**cameras, **presets.cameras, **straightened},
        cam_from_world={**poses, **presets.cam_from_world},
    )


def _check_focal(
    focal_px: float, views: Sequence[View], plausible_diagonals: tuple[float, float] = (0.1, 50.0)
) -> None:
    """Raises InputError for what is no focal length in pixels of any of the photos: most likely, it is one in
    millimetres."""
    if not 0 < focal_px < math.inf:
        raise InputError(f"the focal is given as {focal_px} pixels: give a positive number")
    low, high = plausible_diagonals
    if not any(low <= focal_px / math.hypot(*view.original_size) <= high for view in views):
        width, height = views[0].original_size
        raise InputError(
            f"the focal is given as {focal_px:g} pixels, which no lens has for photos of {width}x{height} "
            f"({views[0].name}); of millimetres, give focal / sensor width * {width}"
        )


def _cameras_of_views(source: Path, views: Sequence[View], camera_of: CameraOf) -> dict[str, Camera]:
    found = {view.name: _camera_of_view(view, camera_of) for view in views}
    known = {name: camera for name, camera in found.items() if camera is not None}
    _require_some(len(known), source, views, "cameras")
    return known


def _camera_of_view(view: View, camera_of: CameraOf) -> Camera | None:
    if view.rectification is not None:
        return view.rectification.pinhole
    return camera_of(view.name, view.original_size)


def _cameras_in(source: Path) -> CameraOf:
    if not source.is_dir():
        return read_intrinsics(source).camera
    folder = model_folder(source)
    if folder is None:
        raise InputError(f"{source}: holds no COLMAP model (cameras and images, .bin or .txt)")
    given = read_posed_cameras(folder)
    return lambda name, size: given[name].camera if name in given else None


def _poses_of_views(source: Path, views: Sequence[View]) -> dict[str, Rigid]:
    given = _poses_in(source)
    found = {view.name: given[view.name] for view in views if view.name in given}
    _require_some(len(found), source, views, "poses")
    return found


def _poses_in(source: Path) -> Mapping[str, Rigid]:
    if source.is_file() and source.suffix == ".json":
        return read_transforms_poses(source)
    folder = model_folder(source) if source.is_dir() else None
    if folder is None:
        raise InputError(f"{source}: is no COLMAP model (cameras and images, .bin or .txt) and no .json")
    return {name: image.cam_from_world for name, image in read_posed_cameras(folder).items()}


def _require_some(count: int, source: Path, views: Sequence[View], what: str) -> None:
    if count == 0:
        raise InputError(
            f"{source}: has {what} for none of the {len(views)} photos, such as {views[0].name}: photos are "
            "found by name, which is the path below their folder"
        )
