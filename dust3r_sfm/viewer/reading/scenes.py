"""What the viewer shows of reconstructions in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points
from dust3r_sfm.dense.point_cloud import PointCloud, dense_points
from dust3r_sfm.geometry.projection import intrinsics_of, pixel_errors, project_each
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.types import Reconstruction, Scene, Tracks
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.pictures import jpeg_of
from dust3r_sfm.viewer.reading.order import shuffled
from dust3r_sfm.viewer.reading.seen_by import Sightings, sightings_of
from dust3r_sfm.viewer.scene import (
    ViewedComponent,
    ViewedPair,
    ViewedPhoto,
    ViewedPoints,
    ViewedScene,
    ViewedTracks,
)


def scene_from_reconstruction(
    reconstruction: Reconstruction,
    title: str = "",
    image_names: Sequence[str] = (),
    config: ViewerConfig | None = None,
) -> ViewedScene:
    """`image_names`: of the views that were handed to alignment, in order, which the reports of pairs count
    in; without them no pairs are shown."""
    config = config or ViewerConfig()
    components = tuple(
        component_from_scene(scene, pairs_from_reports(scene, image_names), config)
        for scene in reconstruction.scenes
    )
    return ViewedScene(title, components, reconstruction.dropped)


def component_from_scene(
    scene: Scene, pairs: tuple[ViewedPair, ...], config: ViewerConfig, cloud: PointCloud | None = None
) -> ViewedComponent:
    """`cloud`: of all views, if it is there already; the confidence in it is not read."""
    report = scene.report
    return ViewedComponent(
        _photos(scene, config),
        _points(scene, cloud, config),
        _tracks(scene),
        pairs,
        report.world,
        f"{report.verdict.value}: {report.verdict_reason}",
        report.up.direction,
    )


def pairs_from_reports(scene: Scene, image_names: Sequence[str]) -> tuple[ViewedPair, ...]:
    """Of the scene's own photos; none without names."""
    index = {view.name: row for row, view in enumerate(scene.views)}
    row_of = {k: index[name] for k, name in enumerate(image_names) if name in index}
    return tuple(
        ViewedPair((row_of[p.pair.i], row_of[p.pair.j]), p.used, p.median_residual_px)
        for p in scene.report.pairs
        if p.pair.i in row_of and p.pair.j in row_of
    )


def pairs_from_names(names: Sequence[str], pairs: Sequence[Mapping[str, object]]) -> tuple[ViewedPair, ...]:
    """Of those among `names`, out of report.json's."""
    index = {name: row for row, name in enumerate(names)}
    found = []
    for pair in pairs:
        images, residual = pair["images"], pair["median_residual_px"]
        if not isinstance(images, list) or not (residual is None or isinstance(residual, int | float)):
            raise ValueError("a pair is not as this program writes it")
        if all(isinstance(name, str) and name in index for name in images):
            i, j = (index[name] for name in images)
            found.append(
                ViewedPair((i, j), bool(pair["used"]), None if residual is None else float(residual))
            )
    return tuple(found)


def _photos(scene: Scene, config: ViewerConfig) -> tuple[ViewedPhoto, ...]:
    pictures = in_threads(
        lambda view: jpeg_of(view.image, config.picture_px, config.jpeg_quality), scene.views
    )
    parts = zip(scene.views, scene.cameras, scene.cam_from_world, pictures, strict=True)
    return tuple(ViewedPhoto(view.name, camera, pose, jpeg) for view, camera, pose, jpeg in parts)


def _points(scene: Scene, cloud: PointCloud | None, config: ViewerConfig) -> ViewedPoints:
    most = sum(depth.size for depth in scene.depth) if cloud is None else len(cloud)
    if len(scene.views) * min(most, config.max_points) > config.most_checks:
        return _points_by_photo(scene, config)
    if cloud is None:
        cloud = fuse_points(scene, CloudFusionConfig(max_points=config.max_points))
    rows = shuffled(len(cloud), config.max_points)
    xyz = cloud.xyz[rows]
    return _assembled(xyz, cloud.rgb[rows], sightings_of(scene, xyz, config.agreement))


def _points_by_photo(scene: Scene, config: ViewerConfig) -> ViewedPoints:
    """Of many photos: each point is known to be seen by the one it is from, which has an even share of
    all."""
    share = max(1, config.max_points // len(scene.views))
    clouds = list(in_threads(lambda row: dense_points(_alone(scene, row), share), range(len(scene.views))))
    photo = np.repeat(np.arange(len(clouds), dtype=np.int32), [len(cloud) for cloud in clouds])
    rows = shuffled(len(photo), config.max_points)
    sightings = Sightings(
        np.concatenate([cloud.confidence for cloud in clouds])[rows].astype(np.float32),
        np.arange(len(rows) + 1),
        photo[rows],
    )
    xyz = np.concatenate([cloud.xyz for cloud in clouds])[rows]
    return _assembled(xyz, np.concatenate([cloud.rgb for cloud in clouds])[rows], sightings)


def _alone(scene: Scene, row: int) -> Scene:
    return replace(
        scene,
        views=(scene.views[row],),
        cameras=(scene.cameras[row],),
        cam_from_world=scene.cam_from_world[row : row + 1],
        depth=(scene.depth[row],),
        confidence=(scene.confidence[row],),
        tracks=Tracks.empty(),
    )


def _assembled(xyz: np.ndarray, rgb: np.ndarray, sightings: Sightings) -> ViewedPoints:
    return ViewedPoints(
        xyz.astype(np.float32), rgb, sightings.confidence, sightings.seen_from, sightings.seen_by
    )


def _tracks(scene: Scene) -> ViewedTracks:
    tracks = scene.tracks
    observing = scene.cam_from_world[tracks.view_index]
    points = tracks.xyz[tracks.point_index].astype(np.float64)
    in_camera = np.einsum("oij,oj->oi", observing[:, :3, :3], points) + observing[:, :3, 3]
    projected = project_each(in_camera, intrinsics_of(scene.cameras)[tracks.view_index])
    stored_px = np.array([1.0 / view_scale(view) for view in scene.views])
    errors_px = pixel_errors(projected, tracks.pixels.astype(np.float64)) * stored_px[tracks.view_index]
    return ViewedTracks(tracks.xyz, tracks.point_index, tracks.view_index, errors_px)
