"""3D points at the features of photos with known cameras, by pycolmap; the cameras stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from dust3r_sfm.geometry.colmap.models import model_of_photos, track_of
from dust3r_sfm.localization.config import PreparationConfig
from dust3r_sfm.localization.mapping.adjustment import adjust_model, poses_of_images, refine_points
from dust3r_sfm.localization.mapping.pose_consistency import Agreed
from dust3r_sfm.localization.mapping.reference import KnownPoints, PosedPhoto
from dust3r_sfm.types import Pair

NEW = -1
"""The id of a point that the reference set did not have."""


@dataclass(frozen=True)
class FeaturePoints:
    """`point_of_feature`: for each photo the row of `xyz` that each feature shows, -1 for none. `ids`: what
    the reference set calls the points, NEW for those it did not have. `agreed`: where photos and points are
    by the matches alone, if that is elsewhere."""

    xyz: Float[np.ndarray, "p 3"]
    ids: Int[np.ndarray, " p"]
    point_of_feature: tuple[Int[np.ndarray, " _n"], ...]
    agreed: Agreed | None = None

    @property
    def solved_xyz(self) -> Float[np.ndarray, "p 3"]:
        """Where the points are in the world that poses are solved in."""
        return self.xyz if self.agreed is None else self.agreed.xyz


def triangulate_features(
    photos: Sequence[PosedPhoto],
    pixels: Sequence[Float[np.ndarray, "_n 2"]],
    matches: Mapping[Pair, Int[np.ndarray, "_k 2"]],
    known: KnownPoints,
    config: PreparationConfig,
    adjust_poses: bool = True,
) -> FeaturePoints:
    """Known points keep their places and take over features at their observations; from there and from the
    `matches` (features of photo i and j) tracks grow. `pixels` are continuous ones of the stored files.
    `adjust_poses`: whether to ask if the photos agree on other poses."""
    model = model_of_photos(
        [str(number) for number in range(1, len(photos) + 1)],
        [photo.camera for photo in photos],
        [photo.cam_from_world for photo in photos],
        pixels,
    )
    snapped = _snap(photos, pixels, known, config.snap)
    _add_known(model, known, snapped)
    graph = _match_graph(pixels, matches)
    max_error_px = config.max_error * float(np.median([max(p.camera.width, p.camera.height) for p in photos]))
    _triangulate(model, graph, max_error_px, config.min_angle_deg)
    # pycolmap adjusts and filters points of two observations and more only.
    for point_id in [key for key, point in model.points3D.items() if point.track.length() < 2]:
        model.delete_point3D(point_id)
    given = frozenset(known.ids.tolist())
    refine_points(model, given, max_error_px, config.adjustment)
    new = set(model.points3D) - given
    pycolmap.ObservationManager(model, graph).filter_points3D(max_error_px, config.min_angle_deg, new)
    agreed = adjust_model(model, max_error_px, config.adjustment) if adjust_poses else None
    if agreed is not None:
        every = set(agreed.points3D)
        pycolmap.ObservationManager(agreed, graph).filter_points3D(max_error_px, config.min_angle_deg, every)
    return _feature_points(model, agreed, pixels, known, snapped)


def _snap(
    photos: Sequence[PosedPhoto],
    pixels: Sequence[Float[np.ndarray, "_n 2"]],
    known: KnownPoints,
    share: float,
) -> Int[np.ndarray, " o"]:
    """For each observation of the known points the feature of its photo that lies there, or -1. A feature
    serves the nearest of several observations."""
    feature = np.full(len(known.pixels), -1)
    for index, photo in enumerate(photos):
        rows = np.flatnonzero(known.photo_index == index)
        if len(rows) == 0 or len(pixels[index]) == 0:
            continue
        reach = share * max(photo.camera.width, photo.camera.height)
        distance, nearest = cKDTree(pixels[index]).query(known.pixels[rows])
        order = np.lexsort((distance, nearest))
        order = order[distance[order] <= reach]
        first = np.unique(nearest[order], return_index=True)[1]
        feature[rows[order[first]]] = nearest[order[first]]
    return feature


def _add_known(
    model: pycolmap.Reconstruction,
    known: KnownPoints,
    feature: Int[np.ndarray, " o"],
) -> None:
    """A point is seen in a photo once: the first observation stands."""
    rows = np.flatnonzero(feature >= 0)
    keys = np.stack([known.point_index[rows], known.photo_index[rows]], axis=1)
    rows = rows[np.unique(keys, axis=0, return_index=True)[1]]
    starts = np.flatnonzero(np.diff(known.point_index[rows], prepend=-1))
    for members in np.split(rows, starts[1:]) if len(rows) else []:
        seen = zip((known.photo_index[members] + 1).tolist(), feature[members].tolist(), strict=True)
        track = track_of(seen)
        point = int(known.point_index[members[0]])
        model.add_point3D_with_id(int(known.ids[point]), pycolmap.Point3D(xyz=known.xyz[point], track=track))


def _match_graph(
    pixels: Sequence[Float[np.ndarray, "_n 2"]], matches: Mapping[Pair, Int[np.ndarray, "_k 2"]]
) -> pycolmap.CorrespondenceGraph:
    graph = pycolmap.CorrespondenceGraph()
    for index, places in enumerate(pixels):
        graph.add_image(index + 1, len(places))
    for pair, rows in sorted(matches.items()):
        geometry = pycolmap.TwoViewGeometry()
        geometry.config = int(pycolmap.TwoViewGeometryConfiguration.CALIBRATED)
        geometry.inlier_matches = rows.astype(np.uint32)
        graph.add_two_view_geometry(pair.i + 1, pair.j + 1, geometry)
    graph.finalize()
    return graph


def _triangulate(
    model: pycolmap.Reconstruction,
    graph: pycolmap.CorrespondenceGraph,
    max_error_px: float,
    min_angle_deg: float,
) -> None:
    options = pycolmap.IncrementalTriangulatorOptions()
    options.min_angle = min_angle_deg
    options.ignore_two_view_tracks = False  # A set may have two photos.
    options.merge_max_reproj_error = options.complete_max_reproj_error = max_error_px
    options.random_seed = 0
    triangulator = pycolmap.IncrementalTriangulator(graph, model)
    for image_id in sorted(model.images):
        triangulator.triangulate_image(options, image_id)
    triangulator.complete_all_tracks(options)
    triangulator.merge_all_tracks(options)


def _feature_points(
    model: pycolmap.Reconstruction,
    agreed: pycolmap.Reconstruction | None,
    pixels: Sequence[Float[np.ndarray, "_n 2"]],
    known: KnownPoints,
    snapped: Int[np.ndarray, " o"],
) -> FeaturePoints:
    """The model's points and the known ones that lie at some feature, by rising id."""
    rows = np.flatnonzero(snapped >= 0)
    xyz = dict(zip(known.ids.tolist(), known.xyz, strict=True))
    xyz = {key: xyz[key] for key in known.ids[known.point_index[rows]].tolist()}
    xyz |= {key: point.xyz for key, point in model.points3D.items()}
    point_ids = np.array(sorted(xyz), dtype=np.int64)
    of_feature = [np.full(len(places), -1) for places in pixels]
    of_known = np.searchsorted(point_ids, known.ids[known.point_index[rows]])
    for photo, feature, row in zip(known.photo_index[rows], snapped[rows], of_known, strict=True):
        of_feature[photo][feature] = row
    for row, key in enumerate(point_ids.tolist()):
        for element in model.points3D[key].track.elements if key in model.points3D else []:
            of_feature[element.image_id - 1][element.point2D_idx] = row
    return FeaturePoints(
        np.array([xyz[key] for key in point_ids.tolist()]).reshape(-1, 3),
        np.where(np.isin(point_ids, known.ids), point_ids, NEW),
        tuple(of_feature),
        None if agreed is None else _agreed_from_model(agreed, point_ids),
    )


def _agreed_from_model(model: pycolmap.Reconstruction, point_ids: Int[np.ndarray, " p"]) -> Agreed:
    nowhere = np.full(3, np.nan)
    xyz = [model.points3D[key].xyz if key in model.points3D else nowhere for key in point_ids.tolist()]
    return Agreed(poses_of_images(model, sorted(model.images)), np.array(xyz).reshape(-1, 3))
