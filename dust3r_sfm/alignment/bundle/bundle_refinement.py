"""Tracks and bundle adjustment: from aligned cameras to sub-pixel ones, kept only if they are better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.adjustment import Bundle, BundleSettings, bundle_adjusted, camera_sharing
from dust3r_sfm.alignment.bundle.tracks import (
    Observations,
    compacted,
    observations_from_correspondences,
    rays,
    reprojection_errors,
    triangulated,
    widest_angles_deg,
)
from dust3r_sfm.alignment.known_cameras import camera_of_view
from dust3r_sfm.alignment.stage_reports import adjustment_stage
from dust3r_sfm.geometry import apply_affine, invert_rigid, original_camera
from dust3r_sfm.geometry.resampling import sample_nearest
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.types import AlignmentStage, Camera, Correspondences, Pair, Tracks, View

MAX_ERROR = 0.003
"""Largest reprojection error of an observation in the end, over the long edge of its image."""
ROUGH, SETTLED, CONVERGED = 1e-4, 1e-6, 1e-8
"""Tolerances of adjustments: another one follows at once; views may be added; the last."""
LOSS_SHARE = 0.25
"""Scale of the robust loss over the round's largest error."""
MIN_ANGLE_DEG = 1.0
"""A point seen under less is left out: its depth is a guess. (COLMAP filters at 1.5.)"""
LENS_GAIN = 200.0
"""A lens is believed where it lowers the cost by so much for each camera, in squares of the loss's scale: by
445 and more where photos have one, by 72 at most where they do not, or where it can hardly be told from
the focal. There must be as many observations a camera as below."""
MIN_LENS_OBSERVATIONS = 1000
MIN_OBSERVATIONS = 12
"""A view with fewer is not held by anything."""


@dataclass(frozen=True)
class Schedule:
    """`rounds`: largest error of an observation in each, as a share of the long edge. `tolerance`: of what
    follows them. `name`: in the report. Without `focals_move`, focals stay as they are throughout."""

    rounds: tuple[float, ...]
    tolerance: float
    name: str
    focals_move: bool = True


COARSEST = 0.02
COARSE = Schedule((COARSEST, 0.01, 0.005), SETTLED, "bundle adjustment")
FINE = Schedule((0.005,), SETTLED, "bundle adjustment with other views")
BEGINNING = Schedule((0.01, 0.005), SETTLED, "bundle adjustment of a pair", focals_move=False)
POLISH = Schedule((), CONVERGED, "bundle adjustment to the end")
"""For cameras that were only aligned; for those adjusted before, to which others came; for two views that a
scene begins with, which hardly tell their focal; for the last time."""


@dataclass(frozen=True)
class Held:
    """Which views have a camera, and which a pose, that stays as it is."""

    cameras: tuple[bool, ...]
    poses: tuple[bool, ...]


@dataclass(frozen=True)
class Sharpened:
    """Cameras (view pixels), poses and tracks; all views are there, those in `dropped_views` unheld. `kept`:
    whether these are the adjusted ones, `settled` whether the last adjustment hardly moved the focals."""

    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    tracks: Tracks
    dropped_views: dict[int, str]
    kept: bool
    settled: bool
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


@dataclass(frozen=True)
class _Verdict:
    """Whether an adjustment is kept and why, and what it was judged by."""

    kept: bool
    text: str
    before: Solid
    after: Solid | None
    stages: tuple[AlignmentStage, ...]


def sharpen(
    views: Sequence[View],
    correspondences: Mapping[Pair, Correspondences],
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    camera_group: Sequence[int],
    held: Held,
    schedule: Schedule = COARSE,
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
    adjusted = _adjusted(start, observations, long_edges, schedule)
    after = None if adjusted is None else _solid(adjusted, observations, MAX_ERROR * long_edges)
    if adjusted is None or after is None or after.robust_error_px >= before.robust_error_px:
        why = "no track has two good observations" if after is None else "it did not lower the robust error"
        verdict = _Verdict(False, f"not kept: {why}", before, after, _stages(before, None, schedule))
        return _sharpened(views, start, turns, before, verdict)
    stages = _stages(before, after, schedule)
    verdict = _Verdict(True, "kept: it lowered the robust error", before, after, stages)
    return _sharpened(views, adjusted, turns, after, verdict)


def _in_original_pixels(observations: Observations, views: Sequence[View]) -> Observations:
    pixels = observations.pixels.copy()
    for index, view in enumerate(views):
        rows = observations.view_index == index
        pixels[rows] = apply_affine(np.linalg.inv(view.pixel_from_original), pixels[rows])
    return replace(observations, pixels=pixels)


def _adjusted(
    bundle: Bundle, observations: Observations, long_edges: Float[np.ndarray, " n"], schedule: Schedule
) -> Bundle | None:
    """Rounds of triangulation and adjustment, each stricter than the one before; then it is decided whether
    there is a lens, and all is adjusted to the schedule's tolerance. Focals stay as they are in the
    coarsest round: while poses are rough they would absorb the errors of these. A lens once found stays."""
    for share in schedule.rounds:
        settings = BundleSettings(
            _loss_px(share, long_edges),
            share == COARSEST or not schedule.focals_move,
            bundle.bends,
            tolerance=ROUGH,
        )
        bundle, solid = _readjusted(bundle, observations, share * long_edges, settings)
        if not len(solid.xyz):
            return None
    fixed = not schedule.focals_move
    settings = BundleSettings(_loss_px(MAX_ERROR, long_edges), fixed, bundle.bends, tolerance=ROUGH)
    straight, solid = _readjusted(bundle, observations, MAX_ERROR * long_edges, settings)
    if not len(solid.xyz):
        return None
    best = straight if bundle.bends or fixed else _with_lens(straight, solid, settings)
    settings = replace(settings, distortion=best.bends, tolerance=schedule.tolerance)
    return _readjusted(best, observations, MAX_ERROR * long_edges, settings)[0]


def _readjusted(
    bundle: Bundle,
    observations: Observations,
    max_error_px: Float[np.ndarray, " n"],
    settings: BundleSettings,
) -> tuple[Bundle, Solid]:
    """Adjusted to what agrees with it, and that; untouched where nothing does."""
    solid = _solid(bundle, observations, max_error_px)
    if not len(solid.xyz):
        return bundle, solid
    return bundle_adjusted(replace(bundle, xyz=solid.xyz), solid.observations, settings), solid


def _with_lens(straight: Bundle, solid: Solid, settings: BundleSettings) -> Bundle:
    """With radial distortion where the photos speak for it clearly, else as given: a lens that is not
    needed costs accuracy, and readers of pinhole models."""
    seen = solid.observations
    free = ~np.isin(straight.camera_of_view, sorted(straight.held_cameras))
    count = len(straight.cameras) - len(straight.held_cameras)
    if count == 0 or np.count_nonzero(free[seen.view_index]) < MIN_LENS_OBSERVATIONS * count:
        return straight
    # Both go on from the same state, so that what further steps gain alone is not taken for a lens.
    both = [replace(settings, distortion=bends) for bends in (False, True)]
    further, bent = in_threads(lambda setting: bundle_adjusted(straight, seen, setting), both)
    gain = _cost(further, seen, settings.loss_px) - _cost(bent, seen, settings.loss_px)
    return bent if gain > LENS_GAIN * count else further


def _cost(bundle: Bundle, observations: Observations, loss_px: float) -> float:
    """What adjustment minimises, twice over, in squares of `loss_px`, no observation counting more than the
    largest error that is allowed."""
    seen = rays(observations, bundle.view_cameras(), bundle.cam_from_world)
    errors = reprojection_errors(observations, seen, bundle.xyz)
    return float(np.log1p(np.minimum(errors / loss_px, 1.0 / LOSS_SHARE) ** 2).sum())


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
        left = np.bincount(observations.point_index[keep], minlength=len(xyz)) >= 2
        observations = compacted(observations.point_index, observations.view_index, observations.pixels, keep)
        if not len(observations.point_index):
            return Solid(observations, np.zeros((0, 3)), robust_error, median_error)
        seen = rays(observations, cameras, bundle.cam_from_world)
        bounds_px = max_error_px[observations.view_index]
        xyz = triangulated(observations, seen, LOSS_SHARE * bounds_px, xyz[left])
        errors = reprojection_errors(observations, seen, xyz)
    return Solid(observations, xyz, robust_error, median_error)


def _sharpened(
    views: Sequence[View],
    bundle: Bundle,
    turns: Float[np.ndarray, "n 4 4"],
    solid: Solid,
    verdict: _Verdict,
) -> Sharpened:
    """Back to view pixels, without the points of views that are not held."""
    counts = np.bincount(solid.observations.view_index, minlength=len(views))
    unheld = {
        index: f"only {count} of its observations agree with the other views"
        for index, count in enumerate(counts.tolist())
        if count < MIN_OBSERVATIONS and index not in bundle.held_views
    }
    return Sharpened(
        tuple(
            camera_of_view(view, camera) for view, camera in zip(views, bundle.view_cameras(), strict=True)
        ),
        invert_rigid(turns) @ bundle.cam_from_world,
        _tracks(views, solid, set(unheld)),
        unheld,
        verdict.kept,
        bundle.settled,
        verdict.text,
        verdict.before.robust_error_px,
        None if verdict.after is None else verdict.after.robust_error_px,
        verdict.stages,
    )


def _stages(before: Solid, adjusted: Solid | None, schedule: Schedule) -> tuple[AlignmentStage, ...]:
    """What an adjustment was kept of; and of the first one also where it began."""
    solids = {"tracks of the aligned cameras": before} if schedule is COARSE else {}
    if adjusted is not None:
        solids[schedule.name] = adjusted
    return tuple(
        adjustment_stage(name, solid.robust_error_px, solid.median_error_px) for name, solid in solids.items()
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
