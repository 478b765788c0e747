"""A solved component with its final cameras: sharpened by tracks and bundle adjustment where it can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.bundle_refinement import COARSE, Held, Schedule, Sharpened, sharpen
from dust3r_sfm.alignment.components import Solved
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.pairs.initialization import Start
from dust3r_sfm.geometry import invert_rigid, project, unproject
from dust3r_sfm.types import AlignmentStage, Camera, Correspondences, Pair, Tracks, View

TURN_ERROR = 0.005
"""Of the long edge: median error of matches that a mere turn explains."""
NO_ANGLE = "the photos were taken from one place, so only the pairs' own depths tell distances"


@dataclass(frozen=True)
class Posed:
    """A component with its final cameras: `members` are indices of ALL views, and the sequences and
    `tracks.view_index` run parallel to them. `scales` are world from pair. `adjusted`: whether bundle
    adjustment was kept, `settled` whether it hardly moved the focals."""

    members: tuple[int, ...]
    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    scales: Mapping[Pair, float]
    residual_px: Mapping[Pair, float]
    tracks: Tracks
    adjusted: bool
    settled: bool
    bundle_adjustment: str
    robust_error_before_px: float | None
    robust_error_after_px: float | None
    stages: tuple[AlignmentStage, ...] = ()


def pose(
    solved: Solved,
    views: Sequence[View],
    start: Start,
    config: AlignmentConfig,
    schedule: Schedule = COARSE,
) -> tuple[Posed, dict[int, str]]:
    """The component sharpened, and the views (by index among all) that did not survive it and why."""
    rows = zip(solved.members, solved.cameras, strict=True)
    cameras = [start.known.cameras[member] or camera for member, camera in rows]
    found = _local_correspondences(solved, start)
    if not config.bundle_adjustment or not found:
        why = "not run: switched off" if not config.bundle_adjustment else "not run: no correspondences"
        return _unsharpened(solved, tuple(cameras), why), {}
    held = _held(solved, start)
    result = sharpen(
        [views[m] for m in solved.members],
        found,
        cameras,
        solved.cam_from_world,
        [start.groups[m] for m in solved.members],
        held,
        schedule,
    )
    gone = {solved.members[local]: reason for local, reason in result.dropped_views.items()}
    if len(solved.members) - len(gone) < 2 and _matches_agree(solved, cameras, found):
        return _unsharpened(solved, tuple(cameras), f"not kept: {NO_ANGLE}"), {}
    return _surviving(solved, _exactly(held, result, cameras, solved)), gone


def _exactly(held: Held, result: Sharpened, cameras: Sequence[Camera], solved: Solved) -> Sharpened:
    """What was held, to the last bit: it has been to pixels of the stored file and back."""
    poses = np.where(np.array(held.poses)[:, None, None], solved.cam_from_world, result.cam_from_world)
    rows = zip(held.cameras, cameras, result.cameras, strict=True)
    return replace(
        result, cameras=tuple(old if fixed else new for fixed, old, new in rows), cam_from_world=poses
    )


def _matches_agree(solved: Solved, cameras: Sequence[Camera], found: Mapping[Pair, Correspondences]) -> bool:
    """Whether the matches of every pair are where a turn between its cameras has them: then all that
    bundle adjustment lacks is an angle, and the pairs' own depths stand."""
    for pair, matches in found.items():
        turn = (solved.cam_from_world[pair.j] @ invert_rigid(solved.cam_from_world[pair.i]))[:3, :3]
        rays = unproject(matches.pixels_i.astype(np.float64), np.ones(len(matches)), cameras[pair.i])
        seen = project(rays @ turn.T, cameras[pair.j])
        error = np.linalg.norm(seen - matches.pixels_j, axis=1)
        if np.median(error) > TURN_ERROR * max(cameras[pair.j].width, cameras[pair.j].height):
            return False
    return True


def _held(solved: Solved, start: Start) -> Held:
    given = start.evidence.given[[start.groups[m] for m in solved.members]]
    return Held(
        tuple(bool(fixed) for fixed in given),
        tuple(start.known.cam_from_world[m] is not None for m in solved.members),
    )


def _local_correspondences(solved: Solved, start: Start) -> dict[Pair, Correspondences]:
    """Those of the pairs that were used, with views numbered as in `members`."""
    number = {member: local for local, member in enumerate(solved.members)}
    return {
        Pair(number[pair.i], number[pair.j]): start.correspondences[pair]
        for pair in solved.scales
        if pair in start.correspondences and len(start.correspondences[pair])
    }


def _unsharpened(solved: Solved, cameras: tuple[Camera, ...], why: str) -> Posed:
    return Posed(
        solved.members,
        cameras,
        solved.cam_from_world,
        solved.scales,
        solved.residual_px,
        Tracks.empty(),
        False,
        False,
        why,
        None,
        None,
        solved.stages,
    )


def _surviving(solved: Solved, result: Sharpened) -> Posed:
    """Without the dropped views; pair scales follow the world should its size have changed."""
    kept = [k for k in range(len(solved.members)) if k not in result.dropped_views]
    members = tuple(solved.members[k] for k in kept)
    poses = np.asarray(result.cam_from_world)[kept]
    factor = _size(poses) / _size(solved.cam_from_world[kept]) if len(kept) > 1 else 1.0
    inside = [pair for pair in solved.scales if pair.i in members and pair.j in members]
    return Posed(
        members,
        tuple(result.cameras[k] for k in kept),
        poses,
        {pair: solved.scales[pair] * factor for pair in inside},
        {pair: solved.residual_px[pair] for pair in inside},
        _renumbered(result.tracks, kept, len(solved.members)),
        result.kept,
        result.settled,
        result.bundle_adjustment,
        result.robust_error_before_px,
        result.robust_error_after_px,
        solved.stages + result.stages,
    )


def _size(cam_from_world: Float[np.ndarray, "n 4 4"]) -> float:
    """Median distance of the camera centres from their mean."""
    centres = invert_rigid(cam_from_world)[:, :3, 3]
    return float(np.median(np.linalg.norm(centres - centres.mean(axis=0), axis=1)))


def _renumbered(tracks: Tracks, kept: Sequence[int], count: int) -> Tracks:
    """View indices among the kept views; no track may still see a dropped one."""
    number = np.full(count, -1)
    number[list(kept)] = np.arange(len(kept))
    views = number[tracks.view_index]
    assert (views >= 0).all(), "a dropped view still has observations"
    return Tracks(tracks.xyz, tracks.color, tracks.point_index, views, tracks.pixels)
