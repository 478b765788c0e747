"""One dense cloud of all views: points that several of them agree on, each surface once.

As in depth map fusion (Merrell et al. 2007; Schönberger et al. 2016): a depth counts if other views
measured the same point, and does not if more of them look through it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix

from dust3r_sfm.dense.choices import CloudChoices
from dust3r_sfm.dense.halving import halve_scene
from dust3r_sfm.dense.normals import depth_normals
from dust3r_sfm.dense.point_cloud import PointCloud, usable_depth
from dust3r_sfm.geometry import invert_rigid, pixel_grid, project, transform_points, unproject
from dust3r_sfm.geometry.resampling import inside, nearest_indices
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene


@dataclass(frozen=True)
class CloudFusionConfig(CloudChoices):
    """Which points the cloud has."""

    agreement: float = 0.01
    """Difference of depth, a share of it, within which views agree: COLMAP's fusion has the same."""
    seen_through: float = 3.0
    """A view looks through a point if its depth there is farther by this many times the agreement."""
    neighbours: int = 10
    """Other views that a view is compared with, at most."""
    most_pixels: int = 16_000_000
    """Of more usable pixels than these, and than `pixels_a_point` for each point that may be kept, every
    other row and column is fused: that takes a quarter of the time, and mostly gives more points than are
    kept."""
    pixels_a_point: int = 16
    """See `most_pixels`."""
    seed: int = 0
    """Of the choice among more points than are kept."""

    def __post_init__(self) -> None:
        if self.min_views < 1:
            raise ValueError(f"min_views is {self.min_views}: give 1 or more")


@dataclass(frozen=True)
class _Maps:
    """What fusion reads of each view, and the pixels that a point was already made of."""

    usable: list[Bool[np.ndarray, "_h _w"]]
    spent: list[Bool[np.ndarray, "_h _w"]]


def fuse_points(
    scene: Scene, config: CloudFusionConfig | None = None, progress: Progress | None = None
) -> PointCloud:
    """World points with colours, normals (towards the view they are from) and the confidence of their
    pixel. Each view in turn gives its pixels that no earlier point was made of. Of more than `max_points` an
    even share of all is drawn; the same scene and seed give the same ones."""
    config, progress = config or CloudFusionConfig(), progress or Silent()
    count = len(scene.views)
    usable = [usable_depth(scene, view, config.min_confidence) for view in range(count)]
    if config.max_points is not None and sum(map(np.count_nonzero, usable)) > _most_pixels(config):
        coarser = _fuse(halve_scene(scene), [each[::2, ::2].copy() for each in usable], config, progress)
        if len(coarser) == config.max_points:
            return coarser
    return _fuse(scene, usable, config, progress)


def _fuse(
    scene: Scene, usable: list[Bool[np.ndarray, "_h _w"]], config: CloudFusionConfig, progress: Progress
) -> PointCloud:
    count = len(scene.views)
    progress.start("Fusing points", count, "views")
    neighbours = neighbour_views(scene, config.neighbours)
    maps = _Maps(usable, [np.zeros_like(each) for each in usable])
    rng = np.random.default_rng(config.seed)
    clouds: list[PointCloud] = []
    lots: list[Float[np.ndarray, " _n"]] = []
    for view, normals in enumerate(
        in_threads(lambda view: _normals(scene, view, usable[view]), range(count))
    ):
        clouds.append(_view_cloud(scene, view, normals, neighbours[view], maps, config))
        lots.append(rng.random(len(clouds[-1])))
        if config.max_points is not None and sum(map(len, lots)) > 2 * config.max_points:
            clouds, lots = _draw(clouds, lots, config.max_points)
        progress.advance()
    if config.max_points is not None:
        clouds, lots = _draw(clouds, lots, config.max_points)
    return _join(clouds)


def _most_pixels(config: CloudFusionConfig) -> int:
    return max(config.most_pixels, config.pixels_a_point * (config.max_points or 0))


def _draw(
    clouds: list[PointCloud], lots: list[Float[np.ndarray, " _n"]], most: int
) -> tuple[list[PointCloud], list[Float[np.ndarray, " _n"]]]:
    """The points with the lowest lots, in the same order. Drawn again with later points they are as if all
    had been drawn at once; so memory does not grow with the number of views."""
    cloud, lot = _join(clouds), np.concatenate(lots)
    if len(lot) <= most:
        return [cloud], [lot]
    rows = np.sort(np.argpartition(lot, most)[:most])
    return [cloud[rows]], [lot[rows]]


def _join(clouds: list[PointCloud]) -> PointCloud:
    parts = zip(*((each.xyz, each.rgb, each.confidence, each.normals) for each in clouds), strict=True)
    return PointCloud(*(np.concatenate(part) for part in parts))


def neighbour_views(scene: Scene, most: int) -> list[Int[np.ndarray, " k"]]:
    """For each view those it shares most track points with, and after them the nearest ones."""
    tracks, count = scene.tracks, len(scene.views)
    ones = np.ones(len(tracks.point_index))
    seen = coo_matrix((ones, (tracks.view_index, tracks.point_index)), shape=(count, len(tracks.xyz))).tocsr()
    centres = invert_rigid(scene.cam_from_world)[:, :3, 3]
    chosen = []
    for view in range(count):
        shared = (seen @ seen[view].T).toarray().ravel()
        distance = np.linalg.norm(centres - centres[view], axis=1)
        order = np.lexsort((distance, -shared))
        chosen.append(order[order != view][:most])
    return chosen


def _normals(scene: Scene, view: int, usable: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "hw 3"]:
    """Of each pixel's surface, in the world."""
    in_camera = depth_normals(np.where(usable, scene.depth[view], 0.0), scene.cameras[view]).reshape(-1, 3)
    return in_camera @ scene.cam_from_world[view, :3, :3]


def _view_cloud(
    scene: Scene,
    view: int,
    normals: Float[np.ndarray, "hw 3"],
    neighbours: Int[np.ndarray, " k"],
    maps: _Maps,
    config: CloudFusionConfig,
) -> PointCloud:
    depth, camera = scene.depth[view], scene.cameras[view]
    world_from_cam = invert_rigid(scene.cam_from_world[view])
    pixels = np.flatnonzero(maps.usable[view] & ~maps.spent[view])
    grid = pixel_grid(*depth.shape).reshape(-1, 2)[pixels]
    own = transform_points(world_from_cam, unproject(grid, depth.reshape(-1)[pixels].astype(float), camera))
    total, agreeing, against = own.copy(), np.ones(len(own), dtype=int), np.zeros(len(own), dtype=int)
    found = [_seen_by(scene, other, own, maps, config) for other in neighbours.tolist()]
    for seen in found:
        against[seen.through] += 1
        agreeing[seen.rows] += 1
        total[seen.rows] += seen.moved
    kept = (agreeing >= config.min_views) & (agreeing > against)
    for seen in found:
        maps.spent[seen.view].reshape(-1)[seen.index[kept[seen.rows]]] = True
    return PointCloud(
        total[kept] / agreeing[kept, None],
        scene.views[view].image.reshape(-1, 3)[pixels[kept]],
        scene.confidence[view].reshape(-1)[pixels[kept]].astype(float),
        normals[pixels[kept]],
    )


@dataclass(frozen=True)
class _Seen:
    """What another view says of points: it has those in `rows` too, at its pixels `index` (flat) and
    where its own depth puts them (`moved`), and looks `through` others."""

    view: int
    rows: Int[np.ndarray, " m"]
    index: Int[np.ndarray, " m"]
    moved: Float[np.ndarray, "m 3"]
    through: Int[np.ndarray, " t"]


def _seen_by(
    scene: Scene, other: int, points: Float[np.ndarray, "n 3"], maps: _Maps, config: CloudFusionConfig
) -> _Seen:
    rows, index, ratio = _depth_ratios(scene, other, points, maps.usable[other])
    through = rows[ratio > 1.0 + config.seen_through * config.agreement]
    same = np.abs(ratio - 1.0) < config.agreement
    moved = _along_ray(scene, other, points[rows[same]], ratio[same])
    return _Seen(other, rows[same], index[same], moved, through)


def _depth_ratios(
    scene: Scene, other: int, points: Float[np.ndarray, "n 3"], usable: Bool[np.ndarray, "h w"]
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """For the points that fall on usable pixels of another view: their rows, those pixels (flat), and the
    depth measured there over the point's own."""
    in_camera = transform_points(scene.cam_from_world[other], points)
    pixels = project(in_camera, scene.cameras[other])
    rows = np.flatnonzero((in_camera[:, 2] > 0) & inside(pixels, *usable.shape))
    index = np.ravel_multi_index(nearest_indices(pixels[rows], *usable.shape), usable.shape)
    known = usable.reshape(-1)[index]
    rows, index = rows[known], index[known]
    return rows, index, scene.depth[other].reshape(-1)[index].astype(float) / in_camera[rows, 2]


def _along_ray(
    scene: Scene, other: int, points: Float[np.ndarray, "n 3"], ratio: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """The points moved along the other view's rays to the depth it measured. Its own pixel's point would
    be off sideways by up to half a pixel."""
    centre = invert_rigid(scene.cam_from_world[other])[:3, 3]
    return centre + (points - centre) * ratio[:, None]
