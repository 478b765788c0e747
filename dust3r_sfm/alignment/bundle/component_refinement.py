"""A component with its final cameras: refined by tracks and bundle adjustment where it can be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from dust3r_sfm.alignment.bundle.bundle_refinement import Held, RefinedComponent, refine_bundle
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.schedule import Scheduler, later_adjustment
from dust3r_sfm.alignment.component import AdjustmentOutcome, Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.geometry import invert_rigid, project, unproject
from dust3r_sfm.geometry.projection import pixel_errors
from dust3r_sfm.geometry.transforms import centre_spread
from dust3r_sfm.types import Correspondences, Pair, Tracks, View

NO_ANGLE = "the photos were taken from one place, so only the pairs' own depths tell distances"


def refine_component(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    config: BundleConfig | None,
    schedule: Scheduler,
) -> tuple[Component, dict[int, str]]:
    """The component refined, and the views (by index among all) that did not survive it and why. Without a
    `config` it stays as it is."""
    rows = zip(component.members, component.cameras, strict=True)
    given = tuple(init.known.cameras[member] or camera for member, camera in rows)
    start = replace(component, cameras=given, tracks=Tracks.empty())
    found = _local_correspondences(component, init)
    if config is None or not found:
        why = "not run: switched off" if config is None else "not run: no correspondences"
        return _leave_unrefined(start, why), {}
    held = _held_from_known(component, init)
    groups = [init.groups[member] for member in component.members]
    inside = [views[member] for member in component.members]
    result = refine_bundle(start, inside, found, groups, held, schedule(config), config)
    gone = {component.members[row]: reason for row, reason in result.dropped.items()}
    if len(component) - len(gone) < 2 and _turns_explain_matches(start, found, config.turn_error):
        return _leave_unrefined(start, f"not kept: {NO_ANGLE}"), {}
    return _drop_lost_views(start, _restore_held(held, result, start)), gone


def readjust_without(
    component: Component,
    gone: Collection[int],
    views: Sequence[View],
    init: Initialization,
    config: BundleConfig | None,
    schedule: Scheduler = later_adjustment,
) -> Component:
    """The component adjusted again without some of its members; `schedule`: if not that of cameras that were
    adjusted before."""
    return refine_component(component.without(gone), views, init, config, schedule)[0]


def _leave_unrefined(component: Component, why: str) -> Component:
    return replace(component, adjustment=AdjustmentOutcome(why))


def _restore_held(held: Held, result: RefinedComponent, start: Component) -> RefinedComponent:
    """What was held, to the last bit: it has been to pixels of the stored file and back."""
    refined = result.component
    poses = np.where(np.array(held.poses)[:, None, None], start.cam_from_world, refined.cam_from_world)
    rows = zip(held.cameras, start.cameras, refined.cameras, strict=True)
    cameras = tuple(old if fixed else new for fixed, old, new in rows)
    return replace(result, component=replace(refined, cameras=cameras, cam_from_world=poses))


def _turns_explain_matches(
    component: Component, found: Mapping[Pair, Correspondences], max_error: float
) -> bool:
    """Whether the matches of every pair are where a turn between its cameras has them: then all that
    bundle adjustment lacks is an angle, and the pairs' own depths stand."""
    cameras, poses = component.cameras, component.cam_from_world
    for pair, matches in found.items():
        turn = (poses[pair.j] @ invert_rigid(poses[pair.i]))[:3, :3]
        rays = unproject(matches.pixels_i.astype(np.float64), np.ones(len(matches)), cameras[pair.i])
        error = pixel_errors(project(rays @ turn.T, cameras[pair.j]), matches.pixels_j)
        if np.median(error) > max_error * max(cameras[pair.j].width, cameras[pair.j].height):
            return False
    return True


def _held_from_known(component: Component, init: Initialization) -> Held:
    given = init.evidence.given[[init.groups[m] for m in component.members]]
    return Held(
        tuple(bool(fixed) for fixed in given),
        tuple(init.known.cam_from_world[m] is not None for m in component.members),
    )


def _local_correspondences(component: Component, init: Initialization) -> dict[Pair, Correspondences]:
    """Those of the pairs that were used, with views numbered as in `members`."""
    number, found = component.local, init.correspondences
    used = [pair for pair in component.scales if pair in found and len(found[pair])]
    return {Pair(number[pair.i], number[pair.j]): found[pair] for pair in used}


def _drop_lost_views(start: Component, result: RefinedComponent) -> Component:
    """Without the dropped views; pair scales follow the world should its size have changed."""
    refined = result.component
    kept = [row for row in range(len(start)) if row not in result.dropped]
    poses = np.asarray(refined.cam_from_world)[kept]
    factor = centre_spread(poses) / centre_spread(start.cam_from_world[kept]) if len(kept) > 1 else 1.0
    left = refined.without({start.members[row] for row in result.dropped})
    return replace(
        left,
        scales={pair: scale * factor for pair, scale in left.scales.items()},
        tracks=_renumber_views(refined.tracks, kept, len(start)),
    )


def _renumber_views(tracks: Tracks, kept: Sequence[int], count: int) -> Tracks:
    """View indices among the kept views; no track may still see a dropped one."""
    number = np.full(count, -1)
    number[list(kept)] = np.arange(len(kept))
    views = number[tracks.view_index]
    assert (views >= 0).all(), "a dropped view still has observations"
    return replace(tracks, view_index=views)
