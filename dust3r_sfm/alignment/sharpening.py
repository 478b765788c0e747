"""Tracks and bundle adjustment: from aligned cameras to sub-pixel ones, kept only if they are better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle_adjustment import Bundle, BundleSettings, bundle_adjusted, camera_sharing
from dust3r_sfm.alignment.presets import camera_of_view
from dust3r_sfm.alignment.stages import adjustment_stage
from dust3r_sfm.alignment.tracks import (
    Observations,
    compacted,
    observations_from_correspondences,
    rays,
    reprojection_errors,
    triangulated,
    widest_angles_deg,
)
from dust3r_sfm.geometry import apply_affine, invert_rigid, original_camera
from dust3r_sfm.geometry.resampling import sample_nearest
from dust3r_sfm.types import AlignmentStage, Camera, Correspondences, Pair, Tracks, View

MAX_ERROR = 0.003
"""Largest reprojection error of an observation in the end, over the long edge of its image."""
COARSE_ROUNDS = (0.02, 0.01, 0.005, MAX_ERROR)
FINE_ROUNDS = (0.005, MAX_ERROR)
"""The same in each round, for cameras that were only aligned and for those adjusted before."""
ROUGH, CONVERGED = 1e-4, 1e-8
"""Tolerances of adjustments that another one follows, and of the last."""
LOSS_SHARE = 0.25
"""Scale of the robust loss over the round's largest error."""
MIN_ANGLE_DEG = 1.0
"""A point seen under less is left out: its depth is a guess. (COLMAP filters at 1.5.)"""
LENS_GAIN = 0.85
"""A lens is believed where it lowers the robust error to this share, and where there are as many
observations a camera as below."""
MIN_LENS_OBSERVATIONS = 1000
MIN_OBSERVATIONS = 12
"""A view with fewer is not held by anything."""


@dataclass(frozen=True)
class Held:
    """Which views have a camera, and which a pose, that stays as it is."""

    cameras: tuple[bool, ...]
    poses: tuple[bool, ...]


@dataclass(frozen=True)
class Sharpened:
    """Cameras (view pixels), poses and tracks; all views are there, those in `dropped_views` unheld."""

    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    tracks: Tracks
    dropped_views: dict[int, str]
    bundle_adjustment: str
    robust_error_before_px: float | None
    robust_error_after_px: float | None
    stages: tuple[AlignmentStage, ...] = ()


@dataclass(frozen=True)
class Solid:
    """Points and the observations that agree with them, and the mean bounded error of ALL of them, and the
    median."""

    observations: Observations
    xyz: Float[np.ndarray, "p 3"]
    robust_error_px: float
    median_error_px: float


def sharpen(
    views: Sequence[View],
    correspondences: Mapping[Pair, Correspondences],
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    camera_group: Sequence[int],
    held: Held,
    rounds: Sequence[float] = COARSE_ROUNDS,
) -> Sharpened:
    """Merges correspondences into tracks and bundle-adjusts them, in pixels of the stored files, where
    views of one camera look alike. The adjusted cameras are kept if all tracks, triangulated anew,
    have a lower robust reprojection error under them than under the aligned ones. What is `held` stays.
    """
    moved = [original_camera(view, camera) for view, camera in zip(views, cameras, strict=True)]
    turns = np.stack([turn for _, turn in moved])
    shared, camera_of = camera_sharing([camera for camera, _ in moved], camera_group, held.cameras)
    long_edges = np.array([float(max(view.original_size)) for view in views])
    observations = _in_original_pixels(observations_from_correspondences(correspondences), views)
    start = Bundle(
        shared,
        camera_of,
        turns @ cam_from_world,
        np.zeros((0, 3)),
        frozenset(camera for camera, fixed in zip(camera_of, held.cameras, strict=True) if fixed),
        frozenset(np.flatnonzero(held.poses).tolist()),
    )
    before = _solid(start, observations, MAX_ERROR * long_edges)
    adjusted = _adjusted(start, observations, long_edges, rounds)
    after = None if adjusted is None else _solid(adjusted, observations, MAX_ERROR * long_edges)
    if adjusted is not None and after is not None and len(after.xyz):
        adjusted, after = _with_lens(adjusted, after, observations, long_edges)
    if adjusted is None or after is None or after.robust_error_px >= before.robust_error_px:
        why = "no track has two good observations" if after is None else "it did not lower the robust error"
        return _sharpened(views, start, turns, before, (f"not kept: {why}", before, after))
    return _sharpened(views, adjusted, turns, after, ("kept: it lowered the robust error", before, after))


def _in_original_pixels(observations: Observations, views: Sequence[View]) -> Observations:
    pixels = observations.pixels.copy()
    for index, view in enumerate(views):
        rows = observations.view_index == index
        pixels[rows] = apply_affine(np.linalg.inv(view.pixel_from_original), pixels[rows])
    return replace(observations, pixels=pixels)


def _adjusted(
    bundle: Bundle, observations: Observations, long_edges: Float[np.ndarray, " n"], rounds: Sequence[float]
) -> Bundle | None:
    """Rounds of triangulation and adjustment, each stricter than the one before. Focals stay as they
    are in a coarse first one: while poses are rough they would absorb the errors of these."""
    for share in rounds:
        solid = _solid(bundle, observations, share * long_edges)
        if not len(solid.xyz):
            return None
        settings = BundleSettings(
            loss_px=_loss_px(share, long_edges),
            fix_focals=share == COARSE_ROUNDS[0],
            tolerance=CONVERGED if share == rounds[-1] else ROUGH,
        )
        bundle = bundle_adjusted(replace(bundle, xyz=solid.xyz), solid.observations, settings)
    return bundle


def _with_lens(
    bundle: Bundle, solid: Solid, observations: Observations, long_edges: Float[np.ndarray, " n"]
) -> tuple[Bundle, Solid]:
    """With radial distortion where the photos speak for it clearly, else as given: a lens that is not
    needed costs accuracy, and readers of pinhole models."""
    if len(solid.observations.point_index) < MIN_LENS_OBSERVATIONS * len(bundle.cameras):
        return bundle, solid
    settings = BundleSettings(loss_px=_loss_px(MAX_ERROR, long_edges), distortion=True, tolerance=ROUGH)
    bent = bundle_adjusted(replace(bundle, xyz=solid.xyz), solid.observations, settings)
    bent_solid = _solid(bent, observations, MAX_ERROR * long_edges)
    if bent_solid.robust_error_px > LENS_GAIN * solid.robust_error_px or not len(bent_solid.xyz):
        return bundle, solid
    settings = replace(settings, tolerance=CONVERGED)
    bent = bundle_adjusted(replace(bent, xyz=bent_solid.xyz), bent_solid.observations, settings)
    return bent, _solid(bent, observations, MAX_ERROR * long_edges)


def _loss_px(share: float, long_edges: Float[np.ndarray, " n"]) -> float:
    """Bundle adjustment has one loss for all: that of the image of middling size."""
    return LOSS_SHARE * share * float(np.median(long_edges))


def _solid(bundle: Bundle, observations: Observations, max_error_px: Float[np.ndarray, " n"]) -> Solid:
    """Triangulates, drops what disagrees, and triangulates what is left. `max_error_px` of each view."""
    cameras = bundle.view_cameras()
    seen = rays(observations, cameras, bundle.cam_from_world)
    bounds_px = max_error_px[observations.view_index]
    xyz = triangulated(observations, seen, LOSS_SHARE * bounds_px)
    errors = reprojection_errors(observations, seen, xyz)
    robust_error = float(np.minimum(errors, bounds_px).mean()) if len(errors) else np.inf
    median_error = float(np.median(errors)) if len(errors) else np.inf
    for _ in range(2):
        wide = widest_angles_deg(observations, seen, observations.num_points) >= MIN_ANGLE_DEG
        keep = (errors <= bounds_px) & wide[observations.point_index]
        observations = compacted(observations.point_index, observations.view_index, observations.pixels, keep)
        if not len(observations.point_index):
            return Solid(observations, np.zeros((0, 3)), robust_error, median_error)
        seen = rays(observations, cameras, bundle.cam_from_world)
        bounds_px = max_error_px[observations.view_index]
        xyz = triangulated(observations, seen, LOSS_SHARE * bounds_px)
        errors = reprojection_errors(observations, seen, xyz)
    return Solid(observations, xyz, robust_error, median_error)


def _sharpened(
    views: Sequence[View],
    bundle: Bundle,
    turns: Float[np.ndarray, "n 4 4"],
    solid: Solid,
    verdict: tuple[str, Solid, Solid | None],
) -> Sharpened:
    """Back to view pixels, without the points of views that are not held."""
    counts = np.bincount(solid.observations.view_index, minlength=len(views))
    unheld = {
        index: f"only {count} of its observations agree with the other views"
        for index, count in enumerate(counts.tolist())
        if count < MIN_OBSERVATIONS and index not in bundle.held_views
    }
    text, before, after = verdict
    return Sharpened(
        tuple(
            camera_of_view(view, camera) for view, camera in zip(views, bundle.view_cameras(), strict=True)
        ),
        invert_rigid(turns) @ bundle.cam_from_world,
        _tracks(views, solid, set(unheld)),
        unheld,
        text,
        before.robust_error_px,
        None if after is None else after.robust_error_px,
        _stages(before, after if solid is after else None),
    )


def _stages(before: Solid, adjusted: Solid | None) -> tuple[AlignmentStage, ...]:
    solids = {"tracks of the aligned cameras": before, "bundle adjustment": adjusted}
    return tuple(
        adjustment_stage(name, solid.robust_error_px, solid.median_error_px)
        for name, solid in solids.items()
        if solid is not None
    )


def _tracks(views: Sequence[View], solid: Solid, unheld: set[int]) -> Tracks:
    """In view pixels and with colours, without unheld views and points left with one observation."""
    found = solid.observations
    held = ~np.isin(found.view_index, sorted(unheld))
    kept = compacted(found.point_index, found.view_index, found.pixels, held)
    counts = np.bincount(found.point_index[held], minlength=len(solid.xyz))
    pixels = kept.pixels.copy()
    colors = np.zeros((len(pixels), 3))
    for index, view in enumerate(views):
        rows = kept.view_index == index
        pixels[rows] = apply_affine(view.pixel_from_original, pixels[rows])
        colors[rows] = sample_nearest(view.image, pixels[rows])
    totals = np.bincount(kept.point_index, minlength=kept.num_points)[:, None]
    sums = np.stack([np.bincount(kept.point_index, channel, kept.num_points) for channel in colors.T], axis=1)
    return Tracks(
        solid.xyz[counts >= 2],
        np.round(sums / np.maximum(totals, 1)).astype(np.uint8),
        kept.point_index,
        kept.view_index,
        pixels,
    )
