"""COLMAP's database.db of a scene: its photos, the observations of its tracks as keypoints, and as matches
what two photos see of the same points. COLMAP's mappers, and programs around it, go on from there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Int

from dust3r_sfm.errors import OutputError
from dust3r_sfm.exporters.colmap import colmap_cameras
from dust3r_sfm.exporters.tracks.observations import drop_masked_observations
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.geometry.epipolar import fundamental_from_cameras
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Camera, Rigid, Scene, Tracks

DATABASE_FILE = "database.db"


@dataclass(frozen=True)
class SharedObservations:
    """Of views i < j the observations of the same points: numbers of keypoints, those of a view being its
    observations in the order of the tracks."""

    i: int
    j: int
    matches: Int[np.ndarray, "m 2"]


def export_colmap_database(scene: Scene, path: Path, progress: Progress | None = None) -> None:
    """Writes `path`, a database of the STORED photos. Ids count from 1 in view order, as in `export_colmap`'s
    model; keypoints are continuous pixels (the first one's centre is (.5, .5), COLMAP's convention), without
    scale and turn. Two-view geometries are those of the scene's poses, all matches inliers. There are no
    descriptors: photos that come later are matched with the scene's by a search of their own.

    Raises OutputError for a file that is there: pycolmap would add to it.

    Takes time as the pairs of observations of the same points, and memory as those of one view."""
    progress = progress or Silent()
    scene = drop_masked_observations(scene)
    files = originals_of(scene)
    cameras, camera_ids = colmap_cameras(files.cameras)
    if path.exists():
        raise OutputError(f"{path}: is there already; choose another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with pycolmap.Database.open(path) as database, pycolmap.DatabaseTransaction(database):
        _write_cameras(database, cameras)
        for index, view in enumerate(scene.views):
            seen = files.pixels[scene.tracks.view_index == index]
            _write_photo(database, index + 1, camera_ids[index], view.name, seen.astype(np.float32))
        progress.start("Writing matches", len(scene.views), "images")
        done = 0
        for shared in shared_observations(scene.tracks, len(scene.views)):
            used = files.cameras[shared.i], files.cameras[shared.j]
            poses = files.cam_from_world[shared.i], files.cam_from_world[shared.j]
            _write_pair(database, shared, *used, poses[1] @ invert_rigid(poses[0]))
            progress.advance(shared.i - done)
            done = shared.i
        progress.advance(len(scene.views) - done)


def _write_cameras(database: pycolmap.Database, cameras: tuple[Camera, ...]) -> None:
    for number, camera in enumerate(cameras, start=1):
        known = pycolmap_camera(camera, number)
        known.has_prior_focal_length = True
        database.write_camera(known, use_camera_id=True)
        rig = pycolmap.Rig(rig_id=number)
        rig.add_ref_sensor(known.sensor_id)
        database.write_rig(rig, use_rig_id=True)


def _write_photo(
    database: pycolmap.Database, number: int, camera_id: int, name: str, pixels: np.ndarray
) -> None:
    image = pycolmap.Image(name=name, camera_id=camera_id, image_id=number)
    database.write_image(image, use_image_id=True)
    frame = pycolmap.Frame(frame_id=number, rig_id=camera_id)
    frame.add_data_id(image.data_id)
    database.write_frame(frame, use_frame_id=True)
    database.write_keypoints(number, pixels)


def shared_observations(tracks: Tracks, views: int) -> Iterator[SharedObservations]:
    """Every two views that both see a point, in order; where a view sees a point twice, the first counts."""
    point, view = tracks.point_index, tracks.view_index
    order = np.argsort(view, kind="stable")
    keypoint = np.empty(len(view), dtype=np.int64)
    firsts = np.searchsorted(view[order], np.arange(views + 1))
    keypoint[order] = np.arange(len(view)) - firsts[view[order]]
    begin = np.searchsorted(point, np.arange(len(tracks.xyz) + 1))
    for i in range(views):
        rows = order[firsts[i] : firsts[i + 1]]
        rows = rows[np.unique(point[rows], return_index=True)[1]]
        lengths = begin[point[rows] + 1] - begin[point[rows]]
        own = np.repeat(rows, lengths)
        others = np.repeat(begin[point[rows]], lengths) + _count_within(lengths)
        later = view[others] > i
        own, others = own[later], others[later]
        _, first = np.unique(np.stack([view[others], point[others]]), axis=1, return_index=True)
        own, others = own[first], others[first]
        for j in np.unique(view[others]):
            both = view[others] == j
            yield SharedObservations(
                i, int(j), np.column_stack([keypoint[own[both]], keypoint[others[both]]])
            )


def _count_within(lengths: Int[np.ndarray, " n"]) -> Int[np.ndarray, " m"]:
    """0, 1, ... up to each length, one after another."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _write_pair(
    database: pycolmap.Database,
    shared: SharedObservations,
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Rigid,
) -> None:
    matches = shared.matches.astype(np.uint32)
    database.write_matches(shared.i + 1, shared.j + 1, matches)
    geometry = pycolmap.TwoViewGeometry()
    geometry.config = pycolmap.TwoViewGeometryConfiguration.CALIBRATED
    geometry.cam2_from_cam1 = pycolmap.Rigid3d(j_from_i[:3])
    F = fundamental_from_cameras(camera_i, camera_j, j_from_i)
    geometry.F = F
    geometry.E = camera_j.matrix.T @ F @ camera_i.matrix
    geometry.inlier_matches = matches
    database.write_two_view_geometry(shared.i + 1, shared.j + 1, geometry)
