"""The small tasks: functions from one or two views to what they tell."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.errors import InputError, ReconstructionError
from dust3r_sfm.geometry import pixel_grid, transform_points
from dust3r_sfm.geometry.epipolar import epipolar_errors
from dust3r_sfm.geometry.focal import focal_median, focal_weiszfeld
from dust3r_sfm.geometry.resection import resect
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.pairwise.results import (
    FocalEstimator,
    ImagePair,
    PairDepth,
    RelativeCamera,
    RelativeCameraConfig,
)
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import (
    AlignmentReport,
    Camera,
    ConfidenceArray,
    Correspondences,
    Pair,
    PairGeometry,
    PairPrediction,
    PairReport,
    PointmapArray,
    Rigid,
    Scene,
    Tracks,
    View,
)


def predict_pair(
    view_i: View, view_j: View, regressor: PointmapRegressor, progress: Progress | None = None
) -> ImagePair:
    """Both directions of one pair. The views are as large as `regressor.image_spec` says.
    Raises ReconstructionError if the photos show nothing in common."""
    found = _predict(regressor, [view_i, view_j], [Pair(0, 1), Pair(1, 0)], progress)
    if found[0].geometry is PairGeometry.UNRELATED:
        raise ReconstructionError(
            f"{view_i.name}, {view_j.name}: {regressor.name} finds nothing that both show; "
            "give two photos that overlap"
        )
    return ImagePair(view_i, view_j, *found)


def single_depth(view: View, regressor: PointmapRegressor, progress: Progress | None = None) -> PairDepth:
    """Depth and focal of one image: the prediction for its pair with itself.
    Raises InputError for a regressor that needs parallax, ReconstructionError if nothing is known."""
    if not regressor.sees_single_images:
        raise InputError(
            f"{view.name}: {regressor.name} measures depth between two photos and cannot tell it from one; "
            "give a second photo taken from another place, or use a network (dust3r, mast3r) as regressor"
        )
    (found,) = _predict(regressor, [view], [Pair(0, 0)], progress)
    return _depth_map(
        view, found.points_i, found.confidence_i, _own_camera(view, found, RelativeCameraConfig().min_points)
    )


def camera_from_pointmap(
    points: PointmapArray,
    confidence: ConfidenceArray,
    principal_point: Float[np.ndarray, "2"] | None = None,
    estimator: FocalEstimator = "weiszfeld",
    label: str = "the pointmap",
    min_points: int = RelativeCameraConfig.min_points,
) -> Camera:
    """The camera (square pixels) that sees `points`, given in its own frame, at their pixels.

    `principal_point` is in continuous pixels; None: the middle. "weiszfeld" minimises the sum of the
    distances in pixels, "median" takes the weighted median of all focals; weights are log(confidence).
    Points behind the camera or (nearly) at z = 0 have no say.
    Raises ReconstructionError, about `label`, if fewer than `min_points` are known or they fit no camera.
    """
    height, width = confidence.shape
    centre = np.array([width, height]) / 2 if principal_point is None else principal_point
    known = _known_mask(points, confidence)
    if np.count_nonzero(known) < min_points:
        raise ReconstructionError(
            f"{label}: tells no focal: only {np.count_nonzero(known)} of its {known.size} points are known "
            "in front of the camera; give photos that overlap and were taken from different places"
        )
    estimate = focal_weiszfeld if estimator == "weiszfeld" else focal_median
    pixels = pixel_grid(height, width)[known] - centre
    focal = estimate(points[known].astype(np.float64), pixels, np.log(confidence[known]))
    if focal is None or focal <= 0:
        raise ReconstructionError(f"{label}: no pinhole camera sees its points. Is the network trained?")
    return Camera.pinhole(width, height, focal, focal, *centre)


def relative_camera(pair: ImagePair, config: RelativeCameraConfig | None = None) -> RelativeCamera:
    """The focal of either pointmap, and camera j resected from its points in camera i's frame.
    Raises ReconstructionError where there is no depth, as between photos from one place, or no pose fits."""
    config = config or RelativeCameraConfig()
    camera_i = _own_camera(pair.view_i, pair.forward, config.min_points)
    camera_j = _own_camera(pair.view_j, pair.backward, config.min_points)
    forward, enough = pair.forward, config.min_points
    points, pixels = _pose_points(pair.view_j, forward.points_j, forward.confidence_j, config.pose_points)
    max_error_px = config.max_error * max(pair.view_j.size)
    found = resect(points, pixels, camera_j, max_error_px, config.seed) if len(points) >= enough else None
    if found is None or found.inliers.mean() < config.min_inlier_share:
        raise ReconstructionError(
            f"{pair.view_i.name}, {pair.view_j.name}: no relative pose fits the predicted points; "
            "give two photos that overlap and were taken from different places"
        )
    max_line_error_px = config.max_line_error * max(camera_j.width, camera_j.height)
    pose = found.cam_from_points
    matches = _on_their_lines(forward.correspondences, camera_i, camera_j, pose, max_line_error_px)
    return RelativeCamera(camera_i, camera_j, pose, float(found.inliers.mean()), matches)


def depth_maps(pair: ImagePair, relative: RelativeCamera) -> tuple[PairDepth, PairDepth]:
    """Depth and confidence of both views in one scale, each in its own camera."""
    points_j = pair.forward.points_j
    in_j = transform_points(relative.j_from_i, points_j.reshape(-1, 3).astype(np.float64))
    return (
        _depth_map(pair.view_i, pair.forward.points_i, pair.forward.confidence_i, relative.camera_i),
        _depth_map(pair.view_j, in_j.reshape(points_j.shape), pair.forward.confidence_j, relative.camera_j),
    )


def pair_scene(pair: ImagePair, relative: RelativeCamera) -> Scene:
    """Both views as a scene (the world is camera i's frame), for the exporters. It has no tracks."""
    maps = depth_maps(pair, relative)
    geometry, count = pair.forward.geometry, len(relative.matches)
    return Scene(
        views=(pair.view_i, pair.view_j),
        cameras=(relative.camera_i, relative.camera_j),
        cam_from_world=np.stack([np.eye(4), relative.j_from_i]),
        depth=tuple(each.depth for each in maps),
        confidence=tuple(each.confidence for each in maps),
        tracks=Tracks.empty(),
        report=AlignmentReport((PairReport(Pair(0, 1), True, geometry, count, None),), "not run: one pair"),
    )


def _predict(
    regressor: PointmapRegressor, views: Sequence[View], pairs: Sequence[Pair], progress: Progress | None
) -> list[PairPrediction]:
    encodings = regressor.encode(views)
    found = {
        prediction.pair: prediction
        for prediction in regressor.predict(views, encodings, pairs, frozenset(), progress or Silent())
    }
    return [found[pair] for pair in pairs]


def _known_mask(points: PointmapArray, confidence: ConfidenceArray) -> Bool[np.ndarray, "h w"]:
    return np.isfinite(points).all(axis=-1) & (points[..., 2] > 0) & (confidence > 1.0)


def _mask_confidence(view: View, confidence: ConfidenceArray) -> ConfidenceArray:
    """Confidence 1 where the view is masked out."""
    return confidence if view.mask is None else np.where(view.mask, confidence, np.ones_like(confidence))


def _own_camera(view: View, prediction: PairPrediction, min_points: int) -> Camera:
    """Of the prediction's view i."""
    confidence, centre = _mask_confidence(view, prediction.confidence_i), principal_point(view)
    return camera_from_pointmap(prediction.points_i, confidence, centre, "weiszfeld", view.name, min_points)


def _depth_map(view: View, points: PointmapArray, confidence: ConfidenceArray, camera: Camera) -> PairDepth:
    trusted = _mask_confidence(view, confidence)
    known = _known_mask(points, trusted)
    return PairDepth(np.where(known, points[..., 2], 0.0), np.where(known, trusted, 1.0), camera)


def _pose_points(
    view: View, points: PointmapArray, confidence: ConfidenceArray, most: int
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """Evenly thinned, of the known points that are more confident than half of them. Their z may be
    negative: they are in the other camera's frame."""
    trusted = np.where(np.isfinite(points).all(axis=-1), _mask_confidence(view, confidence), 1.0)
    known = trusted > 1.0
    rows = np.flatnonzero(known & (trusted >= np.median(trusted[known]))) if known.any() else np.zeros(0, int)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.int64)]
    pixels = pixel_grid(*confidence.shape).reshape(-1, 2)[rows]
    return points.reshape(-1, 3)[rows].astype(np.float64), pixels


def _on_their_lines(
    found: Correspondences | None, camera_i: Camera, camera_j: Camera, j_from_i: Rigid, max_error_px: float
) -> Correspondences:
    if found is None:
        return Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    kept = epipolar_errors(found, camera_i, camera_j, j_from_i) < max_error_px
    return Correspondences(found.pixels_i[kept], found.pixels_j[kept], found.weights[kept])
