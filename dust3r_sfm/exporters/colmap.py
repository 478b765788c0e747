"""A COLMAP model (sparse/0) of the original photos, as trainers and COLMAP itself read it."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Int

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.originals import Originals, originals_of
from dust3r_sfm.exporters.track_budget import chosen_points, rank_within
from dust3r_sfm.types import Camera, Scene

_SAME_CAMERA_DECIMALS = 9

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ColmapExport:
    """`max_points` bounds points3D; `text` and `binary` say which of the two forms are written."""

    max_points: int = 100_000
    text: bool = True
    binary: bool = True

    def __post_init__(self) -> None:
        if self.max_points < 0:
            raise ValueError(f"max_points is {self.max_points}: give 0 or more")
        if not (self.text or self.binary):
            raise ValueError("text and binary are both off: leave at least one on")


def export_colmap(scene: Scene, folder: Path, config: ColmapExport | None = None) -> None:
    """Writes cameras, images, points3D (and pycolmap's rigs and frames) into `folder`.

    PINHOLE cameras of the STORED files at their own resolution, original names, tracks of at least
    two observations with colours and mean reprojection errors. If any camera has a distorting lens,
    all are OPENCV ones, as the photos are what the lens made of them: undistort photos and model
    together (COLMAP's image_undistorter) for trainers that want pinholes. Views with equal cameras
    share one. Ids count from 1 in view and track order: the same scene gives the same bytes.

    COLMAP's text form cannot hold names with blanks (its readers, and nerfstudio's, cut the name
    there): for such names the text files are left out with a warning, or, where they alone were
    asked for, an InputError is raised.
    """
    config = config or ColmapExport()
    text = config.text and _text_can_hold_names(scene, config)
    model = colmap_model(scene, config.max_points)
    folder.mkdir(parents=True, exist_ok=True)
    if config.binary:
        model.write_binary(str(folder))
    if text:
        model.write_text(str(folder))


def _text_can_hold_names(scene: Scene, config: ColmapExport) -> bool:
    blanks = [view.name for view in scene.views if view.name.split() != [view.name]]
    if not blanks:
        return True
    reason = f"image name {blanks[0]!r} has a blank, which COLMAP's text form cannot hold"
    if not config.binary:
        raise InputError(f"{reason}. Rename the photo, or write the binary form")
    _logger.warning("%s: only the .bin files are written. Rename the photo if you need .txt", reason)
    return False


def colmap_model(scene: Scene, max_points: int = 100_000) -> pycolmap.Reconstruction:
    """The same model in memory; points beyond `max_points` are left out by coverage and quality."""
    originals = originals_of(scene)
    chosen = chosen_points(scene, originals.errors_px, max_points)
    kept = np.flatnonzero(np.isin(scene.tracks.point_index, chosen))
    model = pycolmap.Reconstruction()
    camera_ids = _add_cameras(model, originals.cameras)
    _add_images(model, scene, originals, camera_ids, kept)
    _add_points(model, scene, chosen, kept)
    model.update_point_3d_errors()
    return model


def _add_cameras(model: pycolmap.Reconstruction, cameras: tuple[Camera, ...]) -> list[int]:
    """Adds each distinct camera once; returns the camera id of each view."""
    bent = any(camera.k1 != 0.0 for camera in cameras)  # nerfstudio wants one model for all
    ids: dict[Camera, int] = {}
    camera_ids = []
    for camera in cameras:
        key = _without_rounding_noise(camera)
        if key not in ids:
            ids[key] = len(ids) + 1
            model.add_camera_with_trivial_rig(_pycolmap_camera(camera, ids[key], bent))
        camera_ids.append(ids[key])
    return camera_ids


def _without_rounding_noise(camera: Camera) -> Camera:
    """One physical camera comes back through an upright and through a turned affine with other last bits."""
    fx, fy, cx, cy, k1 = (
        round(float(x), _SAME_CAMERA_DECIMALS)
        for x in (camera.fx, camera.fy, camera.cx, camera.cy, camera.k1)
    )
    return replace(camera, fx=fx, fy=fy, cx=cx, cy=cy, k1=k1)


def _pycolmap_camera(camera: Camera, camera_id: int, bent: bool) -> pycolmap.Camera:
    lens = [camera.k1, 0.0, 0.0, 0.0] if bent else []
    return pycolmap.Camera(
        camera_id=camera_id,
        model="OPENCV" if bent else "PINHOLE",
        width=camera.width,
        height=camera.height,
        params=[camera.fx, camera.fy, camera.cx, camera.cy, *lens],
    )


def _add_images(
    model: pycolmap.Reconstruction,
    scene: Scene,
    originals: Originals,
    camera_ids: list[int],
    kept: Int[np.ndarray, " k"],
) -> None:
    """One image a view, with its `kept` observations as 2D points in track order."""
    by_view = kept[np.argsort(scene.tracks.view_index[kept], kind="stable")]
    ends = np.cumsum(np.bincount(scene.tracks.view_index[kept], minlength=len(scene.views)))
    for index, rows in enumerate(np.split(by_view, ends[:-1])):
        image = pycolmap.Image(
            name=scene.views[index].name,
            keypoints=originals.pixels[rows],
            camera_id=camera_ids[index],
            image_id=index + 1,
        )
        cam_from_world = originals.cam_from_world[index, :3]
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(cam_from_world))


def _add_points(
    model: pycolmap.Reconstruction,
    scene: Scene,
    chosen: Int[np.ndarray, " c"],
    kept: Int[np.ndarray, " k"],
) -> None:
    """Adds the `chosen` points; their tracks name rows of the images' 2D points."""
    tracks = scene.tracks
    image_ids = tracks.view_index[kept] + 1
    point2d = rank_within(image_ids, np.arange(len(kept)))
    # Plain lists: a million numpy scalars through pycolmap's bindings take several times as long.
    observations = list(zip(image_ids.tolist(), point2d.tolist(), strict=True))
    ends = np.cumsum(np.bincount(tracks.point_index[kept], minlength=len(tracks.xyz))[chosen])
    start = 0
    for index, end in zip(chosen.tolist(), ends.tolist(), strict=True):
        assert end - start >= 2, f"track point {index} has {end - start} observations"
        elements = [pycolmap.TrackElement(*observation) for observation in observations[start:end]]
        model.add_point3D(tracks.xyz[index], pycolmap.Track(elements), tracks.color[index])
        start = end
