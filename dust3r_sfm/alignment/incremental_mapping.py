"""Scenes that grow from one good pair, photo by photo: where averaging leaves apart what matches join.

Averaging hears each pair's own rotation and size, which are as wrong as the focal they were measured with.
Tracks are not: a scene that begins with one pair, takes in whatever photo sees enough of its points, and is
adjusted each time finds its focal on the way (N. Snavely, S. Seitz and R. Szeliski, "Photo tourism",
SIGGRAPH 2006). Several beginnings and focals compete, and what each of them gives must be proved all the
same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.bundle.bundle_refinement import BEGINNING
from dust3r_sfm.alignment.bundle.image_registration import polished, recovered
from dust3r_sfm.alignment.bundle.refined_component import Posed, pose
from dust3r_sfm.alignment.components import Solved
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.incremental_config import GrowthConfig
from dust3r_sfm.alignment.pairs.initialization import Start
from dust3r_sfm.alignment.verification.proved_scenes import Proved, proved_scenes
from dust3r_sfm.geometry import ideal_pixels, rigid
from dust3r_sfm.geometry.graph import connected
from dust3r_sfm.geometry.turning import unit_rays
from dust3r_sfm.geometry.view_cameras import pycolmap_camera, view_camera, view_scale
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, View


@dataclass(frozen=True)
class _Seed:
    """A pair to begin with, its cameras and relative pose, and how good a beginning it is."""

    pair: Pair
    solved: Solved
    worth: float


def grown_scenes(
    placed: Sequence[Posed], views: Sequence[View], start: Start, config: AlignmentConfig
) -> list[Proved]:
    """For each group of views that firm matches join and that no one placed scene mostly covers, the best
    that several beginnings gave, if it covers more of the group than the best placed scene does."""
    out = []
    for group in _firm_groups(len(views), start, config.growth):
        covered = max((len(group & set(p.members)) for p in placed), default=0)
        # A seed lies where it likes: nothing with a given pose may grow from it.
        free = all(start.known.cam_from_world[view] is None for view in group)
        if free and covered < config.growth.min_covered * len(group):
            best = _best_growth(group, covered, views, start, config)
            if best is not None:
                out.append(best)
    return out


def _firm_groups(num_views: int, start: Start, config: GrowthConfig) -> list[set[int]]:
    """Views that pairs with many matches join, two at least, large groups first."""
    pairs = [
        pair for pair in _matched_pairs(start) if len(start.correspondences[pair]) >= config.firm_matches
    ]
    ends = np.array([(pair.i, pair.j) for pair in pairs], dtype=np.int64).reshape(-1, 2)
    labels = connected(ends[:, 0], ends[:, 1], num_views)
    groups = [set(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    return sorted((g for g in groups if len(g) >= 2), key=lambda g: (-len(g), min(g)))


def _matched_pairs(start: Start) -> list[Pair]:
    """Each unordered pair once whose matches may tell places."""
    turned = {s.pair for s in start.summaries if s.geometry is PairGeometry.ROTATION_ONLY}
    found = start.correspondences
    return [p for p in sorted(found) if p not in turned and (p.i < p.j or p.swapped() not in found)]


def _best_growth(
    group: set[int], covered: int, views: Sequence[View], start: Start, config: AlignmentConfig
) -> Proved | None:
    best, most = None, covered
    for factor in config.growth.focal_factors:
        for seed in _seeds(group, factor, views, start, config):
            grown = _grown(seed, group, views, start, config)
            size = max((len(scene.members) for scene in grown.scenes), default=0)
            if size > most:
                best, most = grown, size
            if most >= config.growth.enough_covered * len(group):
                return best
    return best


def _grown(
    seed: _Seed, group: set[int], views: Sequence[View], start: Start, config: AlignmentConfig
) -> Proved:
    began, _ = pose(seed.solved, views, start, config, BEGINNING)
    if len(began.members) < 2:
        return Proved((), {})
    larger = recovered(began, sorted(group - set(began.members)), views, start, config)
    return proved_scenes(polished(larger, views, start, config), views, start, config)


def _seeds(
    group: set[int], factor: float, views: Sequence[View], start: Start, config: AlignmentConfig
) -> list[_Seed]:
    """The best few pairs to begin with."""
    inside = [p for p in _matched_pairs(start) if p.i in group and p.j in group]
    inside = [p for p in inside if len(start.correspondences[p]) >= config.growth.min_seed_matches]
    inside.sort(key=lambda p: (-len(start.correspondences[p]), p))
    found = [_seed(p, factor, views, start, config) for p in inside[: config.growth.seeds_looked_at]]
    good = sorted((s for s in found if s is not None), key=lambda s: (-s.worth, s.pair))
    return good[: config.growth.seeds]


def _seed(
    pair: Pair, factor: float, views: Sequence[View], start: Start, config: AlignmentConfig
) -> _Seed | None:
    """The pair posed with focals this many times those of the evidence; None if too few matches agree."""
    camera_i, camera_j = (_camera(view, factor, views, start) for view in (pair.i, pair.j))
    matches = start.correspondences[pair]
    options = pycolmap.RANSACOptions()
    options.max_error = config.growth.max_error * max(camera_i.width, camera_i.height)
    options.random_seed = config.seed
    options.min_num_trials = config.growth.min_trials
    pixels_i, pixels_j = ideal_pixels(matches.pixels_i, camera_i), ideal_pixels(matches.pixels_j, camera_j)
    both = pycolmap_camera(camera_i), pycolmap_camera(camera_j)
    found = pycolmap.estimate_essential_matrix(pixels_i, pixels_j, *both, options)
    if found is None or found["num_inliers"] < config.growth.min_seed_matches:
        return None
    motion = found["cam2_from_cam1"]
    j_from_i = rigid(motion.rotation.matrix(), np.asarray(motion.translation))
    inlier = np.asarray(found["inlier_mask"], dtype=bool)
    angle = _median_angle_deg(matches, camera_i, camera_j, j_from_i, inlier)
    if angle < config.growth.min_angle_deg:
        return None
    worth = found["num_inliers"] * min(angle / config.growth.good_angle_deg, 1.0)
    poses = np.stack([np.eye(4), j_from_i])
    solved = Solved((pair.i, pair.j), (camera_i, camera_j), poses, {pair: 1.0}, {pair: 0.0})
    return _Seed(pair, solved, worth)


def _camera(view: int, factor: float, views: Sequence[View], start: Start) -> Camera:
    given = start.known.cameras[view]
    if given is not None:
        return given
    focal = float(np.exp(start.evidence.log_focal[start.groups[view]])) * view_scale(views[view])
    return view_camera(views[view], focal * factor)


def _median_angle_deg(
    matches: Correspondences,
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Float[np.ndarray, "4 4"],
    inlier: Bool[np.ndarray, " n"],
) -> float:
    """Between both rays of each agreeing match."""
    rays_i = unit_rays(matches.pixels_i, camera_i)[inlier] @ j_from_i[:3, :3].T
    cosine = (rays_i * unit_rays(matches.pixels_j, camera_j)[inlier]).sum(axis=1)
    return float(np.median(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))))
