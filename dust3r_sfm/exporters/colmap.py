"""A COLMAP model (sparse/0) of the original photos, as trainers and COLMAP itself read it."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Int

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.config import ColmapExport
from dust3r_sfm.exporters.images.undistortion import distinct_cameras
from dust3r_sfm.exporters.tracks.observations import drop_masked_observations
from dust3r_sfm.exporters.tracks.originals import FilePixels, originals_of
from dust3r_sfm.exporters.tracks.track_budget import choose_points, rank_within
from dust3r_sfm.geometry.cameras import opencv_camera, radial_coefficient, undistort_camera
from dust3r_sfm.geometry.colmap.models import add_camera, add_image, track_of
from dust3r_sfm.io.outputs.colmap_writing import write_binary_model, write_text_model
from dust3r_sfm.types import Camera, Scene

_logger = logging.getLogger(__name__)


def export_colmap(scene: Scene, folder: Path, config: ColmapExport | None = None) -> None:
    """Writes cameras, images, points3D (and pycolmap's rigs and frames) into `folder`.

    PINHOLE cameras of the STORED files at their own resolution, original names, tracks of at least
    two observations with colours and mean reprojection errors. If any camera has a distorting lens,
    all are OPENCV ones, as the photos are what the lens made of them: `export_colmap_dataset` writes
    undistorted images and pinholes for trainers. Lenses that were known beforehand, of other models, are
    written as they were given. Views with equal cameras share one. Ids
    count from 1 in view and track order: the same scene gives the same bytes.

    COLMAP's text form cannot hold names with blanks (its readers, and nerfstudio's, cut the name
    there): for such names the text files are left out with a warning, or, where they alone were
    asked for, an InputError is raised.
    """
    config = config or ColmapExport()
    scene = drop_masked_observations(scene, config.min_observations)
    write_model(scene, originals_of(scene), [view.name for view in scene.views], folder, config)


def write_model(
    scene: Scene, files: FilePixels, names: Sequence[str], folder: Path, config: ColmapExport
) -> pycolmap.Reconstruction:
    """Writes the model of image files of these names, one for each view, and returns it."""
    text = config.text and _text_can_hold_names(names, config)
    model = model_of(scene, files, names, config)
    folder.mkdir(parents=True, exist_ok=True)
    if config.binary:
        write_binary_model(model, folder)
    if text:
        write_text_model(model, folder)
    return model


def _text_can_hold_names(names: Sequence[str], config: ColmapExport) -> bool:
    blanks = [name for name in names if name.split() != [name]]
    if not blanks:
        return True
    reason = f"image name {blanks[0]!r} has a blank, which COLMAP's text form cannot hold"
    if not config.binary:
        raise InputError(f"{reason}. Rename the photo, or write the binary form")
    _logger.warning("%s: only the .bin files are written. Rename the photo if you need .txt", reason)
    return False


def colmap_model(scene: Scene, max_points: int | None = 100_000) -> pycolmap.Reconstruction:
    """The model of the stored files in memory; points beyond `max_points` are left out by coverage and
    quality."""
    scene = drop_masked_observations(scene)
    names = [view.name for view in scene.views]
    return model_of(scene, originals_of(scene), names, ColmapExport(max_points))


def model_of(
    scene: Scene, files: FilePixels, names: Sequence[str], config: ColmapExport
) -> pycolmap.Reconstruction:
    """The model of image files of these names in memory."""
    chosen = choose_points(scene, files.errors_px, config.max_points, config.cells_a_side)
    kept = np.flatnonzero(np.isin(scene.tracks.point_index, chosen))
    model = pycolmap.Reconstruction()
    cameras, camera_ids = colmap_cameras(files.cameras)
    for number, camera in enumerate(cameras, start=1):
        add_camera(model, number, camera)
    _add_images(model, scene, files, names, camera_ids, kept)
    _add_points(model, scene, chosen, kept)
    model.update_point_3d_errors()
    return model


def colmap_cameras(cameras: Sequence[Camera]) -> tuple[tuple[Camera, ...], list[int]]:
    """Each distinct camera once, as COLMAP gets it, and the id of each view's: ids count from 1."""
    different, which = distinct_cameras(cameras)
    if all(camera.is_pinhole for camera in cameras):
        written = tuple(undistort_camera(camera) for camera in different)
    elif all(radial_coefficient(camera) is not None for camera in cameras):
        written = tuple(opencv_camera(camera) for camera in different)  # nerfstudio wants one model for all
    else:
        written = different
    return written, [index + 1 for index in which]


def _add_images(
    model: pycolmap.Reconstruction,
    scene: Scene,
    files: FilePixels,
    names: Sequence[str],
    camera_ids: list[int],
    kept: Int[np.ndarray, " k"],
) -> None:
    """One image a view, with its `kept` observations as 2D points in track order."""
    by_view = kept[np.argsort(scene.tracks.view_index[kept], kind="stable")]
    ends = np.cumsum(np.bincount(scene.tracks.view_index[kept], minlength=len(scene.views)))
    for index, rows in enumerate(np.split(by_view, ends[:-1])):
        pixels, pose = files.pixels[rows], files.cam_from_world[index]
        add_image(model, index + 1, camera_ids[index], names[index], pixels, pose)


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
    observations = list(zip(image_ids.tolist(), point2d.tolist(), strict=True))
    ends = np.cumsum(np.bincount(tracks.point_index[kept], minlength=len(tracks.xyz))[chosen])
    start = 0
    for index, end in zip(chosen.tolist(), ends.tolist(), strict=True):
        assert end - start >= 2, f"track point {index} has {end - start} observations"
        model.add_point3D(tracks.xyz[index], track_of(observations[start:end]), tracks.color[index])
        start = end
