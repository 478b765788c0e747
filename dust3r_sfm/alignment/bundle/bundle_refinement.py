"""Tracks and bundle adjustment: from aligned cameras to sub-pixel ones, kept only if they are better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.adjustment import AdjustmentSettings, Bundle, adjust_bundle, share_cameras
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.lens import decide_lens
from dust3r_sfm.alignment.bundle.robust_triangulation import TriangulatedPoints, triangulate_robustly
from dust3r_sfm.alignment.bundle.schedule import Schedule
from dust3r_sfm.alignment.bundle.tracks import Observations, compact, observations_from_correspondences
from dust3r_sfm.alignment.component import AdjustmentOutcome, Component
from dust3r_sfm.geometry import invert_rigid, original_camera, original_pixels, view_pixels
from dust3r_sfm.geometry.resampling import sample_nearest
from dust3r_sfm.geometry.view_cameras import camera_of_view
from dust3r_sfm.types import AlignmentStage, Correspondences, Pair, Tracks, View


@dataclass(frozen=True)
class Held:
    """Which views have a camera, and which a pose, that stays as it is."""

    cameras: tuple[bool, ...]
    poses: tuple[bool, ...]


@dataclass(frozen=True)
class RefinedComponent:
    """A component with all of its views, those in `dropped` (by row, with the reason) unheld and without
    observations."""

    component: Component
    dropped: Mapping[int, str]


def refine_bundle(
    component: Component,
    views: Sequence[View],
    correspondences: Mapping[Pair, Correspondences],
    camera_group: Sequence[int],
    held: Held,
    schedule: Schedule,
    config: BundleConfig,
) -> RefinedComponent:
    """Merges correspondences into tracks and bundle-adjusts them, in pixels of the stored files, where
    views of one camera look alike. The adjusted cameras are kept if all tracks, triangulated anew,
    have a lower robust reprojection error under them than under the aligned ones. What is `held` stays.
    All but the pairs of the component is numbered by its rows.
    """
    start, turns = _bundle_from_component(component, views, camera_group, held)
    long_edges = np.array([float(max(view.original_size)) for view in views])
    observations = _in_original_pixels(observations_from_correspondences(correspondences), views)
    bounds_px = config.max_error * long_edges
    before = triangulate_robustly(start, observations, bounds_px, config)
    adjusted = _adjust(start, observations, long_edges, schedule, config)
    after = None if adjusted is None else triangulate_robustly(adjusted, observations, bounds_px, config)
    kept = after is not None and after.robust_error_px < before.robust_error_px
    outcome = AdjustmentOutcome(
        _why(kept, after),
        kept,
        kept and adjusted is not None and adjusted.settled,
        before.robust_error_px,
        None if after is None else after.robust_error_px,
    )
    stages = component.stages + _stages(before, after if kept else None, schedule)
    refined = replace(component, adjustment=outcome, stages=stages)
    if kept and adjusted is not None and after is not None:
        return _in_view_pixels(refined, views, adjusted, turns, after, config)
    return _in_view_pixels(refined, views, start, turns, before, config)


def _bundle_from_component(
    component: Component, views: Sequence[View], camera_group: Sequence[int], held: Held
) -> tuple[Bundle, Float[np.ndarray, "n 4 4"]]:
    """In pixels of the stored files and without points, and the turns from the views' cameras to these."""
    moved = [original_camera(view, camera) for view, camera in zip(views, component.cameras, strict=True)]
    turns = np.stack([turn for _, turn in moved])
    shared, camera_of = share_cameras([camera for camera, _ in moved], camera_group, held.cameras)
    bundle = Bundle(
        shared,
        camera_of,
        turns @ component.cam_from_world,
        np.zeros((0, 3)),
        frozenset(camera for camera, fixed in zip(camera_of, held.cameras, strict=True) if fixed),
        frozenset(np.flatnonzero(held.poses).tolist()),
    )
    return bundle, turns


def _why(kept: bool, after: TriangulatedPoints | None) -> str:
    if kept:
        return "kept: it lowered the robust error"
    why = "no track has two good observations" if after is None else "it did not lower the robust error"
    return f"not kept: {why}"


def _in_original_pixels(observations: Observations, views: Sequence[View]) -> Observations:
    pixels = observations.pixels.copy()
    for index, view in enumerate(views):
        rows = observations.view_index == index
        pixels[rows] = original_pixels(view, pixels[rows])
    return replace(observations, pixels=pixels)


def _adjust(
    bundle: Bundle,
    observations: Observations,
    long_edges: Float[np.ndarray, " n"],
    schedule: Schedule,
    config: BundleConfig,
) -> Bundle | None:
    """Rounds of triangulation and adjustment, each stricter than the one before; then it is decided whether
    there is a lens, and all is adjusted to the schedule's tolerance. A lens once found stays."""
    median_edge = float(np.median(long_edges))

    def settings(share: float) -> AdjustmentSettings:
        """Bundle adjustment has one loss for all: that of the image of middling size."""
        fix = share == config.rough_error or not schedule.focals_move
        loss_px = config.loss_share * share * median_edge
        return AdjustmentSettings(loss_px, config.rough_tolerance, fix, bundle.bends)

    for share in (*schedule.rounds, config.max_error):
        adjustment = settings(share)
        bundle, points = _readjust(bundle, observations, share * long_edges, adjustment, config)
        if not len(points.xyz):
            return None
    best = bundle
    if not bundle.bends and schedule.focals_move:
        best = decide_lens(bundle, points, adjustment, config)
    last = replace(adjustment, distortion=best.bends, tolerance=schedule.tolerance)
    return _readjust(best, observations, config.max_error * long_edges, last, config)[0]


def _readjust(
    bundle: Bundle,
    observations: Observations,
    max_error_px: Float[np.ndarray, " n"],
    settings: AdjustmentSettings,
    config: BundleConfig,
) -> tuple[Bundle, TriangulatedPoints]:
    """Adjusted to what agrees with it, and that; untouched where nothing does."""
    points = triangulate_robustly(bundle, observations, max_error_px, config)
    if not len(points.xyz):
        return bundle, points
    return adjust_bundle(replace(bundle, xyz=points.xyz), points.observations, settings, config), points


def _in_view_pixels(
    component: Component,
    views: Sequence[View],
    bundle: Bundle,
    turns: Float[np.ndarray, "n 4 4"],
    points: TriangulatedPoints,
    config: BundleConfig,
) -> RefinedComponent:
    """With the bundle's cameras, and without the points of views that are not held."""
    counts = np.bincount(points.observations.view_index, minlength=len(views))
    unheld = {
        index: f"only {count} of its observations agree with the other views"
        for index, count in enumerate(counts.tolist())
        if count < config.min_observations and index not in bundle.held_views
    }
    cameras = zip(views, bundle.view_cameras(), strict=True)
    refined = replace(
        component,
        cameras=tuple(camera_of_view(view, camera) for view, camera in cameras),
        cam_from_world=invert_rigid(turns) @ bundle.cam_from_world,
        tracks=_tracks(views, points, set(unheld)),
    )
    return RefinedComponent(refined, unheld)


def _stages(
    before: TriangulatedPoints, adjusted: TriangulatedPoints | None, schedule: Schedule
) -> tuple[AlignmentStage, ...]:
    """What an adjustment was kept of; and of the first one also where it began."""
    triangulations = {"tracks of the aligned cameras": before} if schedule.reports_start else {}
    if adjusted is not None:
        triangulations[schedule.name] = adjusted
    return tuple(
        AlignmentStage(name, points.robust_error_px, points.median_error_px, "pixels of the photo")
        for name, points in triangulations.items()
    )


def _tracks(views: Sequence[View], points: TriangulatedPoints, unheld: set[int]) -> Tracks:
    """In view pixels and with colours, without unheld views and points left with one observation."""
    found = points.observations
    held = ~np.isin(found.view_index, sorted(unheld))
    kept = compact(found.point_index, found.view_index, found.pixels, held)
    counts = np.bincount(found.point_index[held], minlength=len(points.xyz))
    pixels = kept.pixels.copy()
    colors = np.zeros((len(pixels), 3))
    for index, view in enumerate(views):
        rows = kept.view_index == index
        pixels[rows] = view_pixels(view, pixels[rows])
        colors[rows] = sample_nearest(view.image, pixels[rows])
    totals = np.bincount(kept.point_index, minlength=kept.num_points)[:, None]
    sums = np.stack([np.bincount(kept.point_index, channel, kept.num_points) for channel in colors.T], axis=1)
    return Tracks(
        points.xyz[counts >= 2],
        np.round(sums / np.maximum(totals, 1)).astype(np.uint8),
        kept.point_index,
        kept.view_index,
        pixels,
    )
