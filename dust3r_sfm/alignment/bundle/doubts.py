"""Members of a component whose place is doubted although pairs hold it: these may be too weak to tell."""

from collections.abc import Sequence

import numpy as np

from dust3r_sfm.alignment.bundle.config import RegistrationConfig
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.epipolar import epipolar_errors
from dust3r_sfm.geometry.graph import label_components, label_two_edge_components
from dust3r_sfm.types import Camera, Correspondences, PairGeometry, Rigid


def contradicted_members(component: Component, init: Initialization, config: RegistrationConfig) -> set[int]:
    """Views that hang on the rest by fewer matches than a pair has that speaks against their place.

    A pair speaks against it if its matches do not lie on their epipolar lines, and is heeded if no chain
    of used pairs joins its views that is about as strong throughout. The smaller side is doubted then.
    """
    number = component.local
    used = {(number[p.i], number[p.j]): len(init.correspondences.get(p, ())) for p in component.scales}
    doubted: set[int] = set()
    for pose in init.relative_poses:
        pair = pose.pair
        if not pose.metric or pair in component.scales or pair not in init.correspondences:
            continue
        if pair.i not in number or pair.j not in number:
            continue
        i, j, found = number[pair.i], number[pair.j], init.correspondences[pair]
        j_from_i = component.cam_from_world[j] @ invert_rigid(component.cam_from_world[i])
        if not matches_fit_pose(found, component.cameras[i], component.cameras[j], j_from_i, config):
            strong = [ends for ends, matches in used.items() if config.contradiction * matches >= len(found)]
            doubted |= _cut_off(i, j, strong, len(number))
    left = len(number) - len(doubted)
    return {component.members[local] for local in doubted} if left >= config.min_solid else set()


def _cut_off(i: int, j: int, strong: Sequence[tuple[int, int]], count: int) -> set[int]:
    """The views on the smaller of both sides, where strong pairs do not join views i and j."""
    ends = np.array(strong, dtype=np.int64).reshape(-1, 2).T
    label = label_components(ends[0], ends[1], count)
    if label[i] == label[j]:
        return set()
    sides = [set(np.flatnonzero(label == label[end]).tolist()) for end in (i, j)]
    return min(sides, key=lambda side: (len(side), min(side)))


def planar_only_members(component: Component, init: Initialization, config: RegistrationConfig) -> set[int]:
    """Views that hang on nothing but pairs of a plane, where others do not, unless many hang together. Such
    a pair has two poses that explain it equally well (Longuet-Higgins 1986); the points of other views tell
    which is right."""
    geometry = {summary.pair: summary.geometry for summary in init.summaries}
    solid = {
        view
        for pair in component.scales
        if geometry[pair] is not PairGeometry.PLANAR
        for view in (pair.i, pair.j)
    }
    if len(solid) < config.min_solid:
        return set()
    size = max(component.members) + 1
    loose = [(p.i, p.j) for p in component.scales if not {p.i, p.j} & solid]
    ends = np.array(loose, dtype=np.int64).reshape(-1, 2).T
    label = label_two_edge_components(ends[0], ends[1], size)
    hanging_together = np.bincount(label, minlength=size)[label]
    return {view for view in set(component.members) - solid if hanging_together[view] < config.self_held}


def matches_fit_pose(
    found: Correspondences, camera_i: Camera, camera_j: Camera, j_from_i: Rigid, config: RegistrationConfig
) -> bool:
    """Whether most matches lie on their epipolar lines."""
    error = epipolar_errors(found, camera_i, camera_j, j_from_i)
    bound_px = config.max_epipolar_error * max(camera_j.width, camera_j.height)
    return float(np.mean(error < bound_px)) > config.agreeing_share
