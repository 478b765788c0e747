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

from dust3r_sfm.alignment.bundle.component_refinement import refine_component
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.image_registration import adjust_to_convergence, register_images
from dust3r_sfm.alignment.bundle.schedule import initial_pair_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.incremental_config import IncrementalConfig
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.proved_scenes import Proved, split_into_proved
from dust3r_sfm.geometry import rigid, undistort_pixels
from dust3r_sfm.geometry.cameras import undistort_camera
from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.geometry.colmap.options import ransac_options
from dust3r_sfm.geometry.epipolar import epipolar_errors
from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.geometry.projection import unit_rays
from dust3r_sfm.geometry.view_cameras import view_camera, view_scale
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, View


@dataclass(frozen=True)
class _Settings:
    """Of growth, and of what each grown scene goes through."""

    incremental: IncrementalConfig
    bundle: BundleConfig
    verification: VerificationConfig


@dataclass(frozen=True)
class _InitialPair:
    """A pair to begin with, its cameras and relative pose, and how good a beginning it is."""

    pair: Pair
    component: Component
    worth: float


def map_incrementally(
    placed: Sequence[Component], views: Sequence[View], init: Initialization, config: AlignmentConfig
) -> list[Proved]:
    """For each group of views that firm matches join and that no one placed scene mostly covers, the best
    that several beginnings gave, if it covers more of the group than the best placed scene does. None without
    `config.incremental` or `config.bundle`."""
    if config.incremental is None or config.bundle is None:
        return []
    settings = _Settings(config.incremental, config.bundle, config.verification)
    out = []
    for group in _firm_groups(len(views), init, settings.incremental):
        covered = max((len(group & set(p.members)) for p in placed), default=0)
        # An initial pair lies where it likes: nothing with a given pose may grow from it.
        free = all(init.known.cam_from_world[view] is None for view in group)
        if free and covered < settings.incremental.min_covered * len(group):
            best = _grow_best(group, covered, views, init, settings)
            if best is not None:
                out.append(best)
    return out


def _firm_groups(num_views: int, init: Initialization, config: IncrementalConfig) -> list[set[int]]:
    """Views that pairs with many matches join, two at least, large groups first."""
    pairs = [pair for pair in _matched_pairs(init) if len(init.correspondences[pair]) >= config.firm_matches]
    ends = np.array([(pair.i, pair.j) for pair in pairs], dtype=np.int64).reshape(-1, 2)
    labels = label_components(ends[:, 0], ends[:, 1], num_views)
    groups = [set(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    return sorted((g for g in groups if len(g) >= 2), key=lambda g: (-len(g), min(g)))


def _matched_pairs(init: Initialization) -> list[Pair]:
    """Each unordered pair once whose matches may tell places."""
    turned = {s.pair for s in init.summaries if s.geometry is PairGeometry.ROTATION_ONLY}
    found = init.correspondences
    return [p for p in sorted(found) if p not in turned and (p.i < p.j or p.swap() not in found)]


def _grow_best(
    group: set[int], covered: int, views: Sequence[View], init: Initialization, config: _Settings
) -> Proved | None:
    best, most = None, covered
    for factor in config.incremental.focal_factors:
        for initial in _find_initial_pairs(group, factor, views, init, config):
            grown = _grow(initial, group, views, init, config)
            size = max((len(found.members) for found in grown.components), default=0)
            if size > most:
                best, most = grown, size
            if most >= config.incremental.enough_covered * len(group):
                return best
    return best


def _grow(
    initial: _InitialPair, group: set[int], views: Sequence[View], init: Initialization, config: _Settings
) -> Proved:
    began, _ = refine_component(initial.component, views, init, config.bundle, initial_pair_adjustment)
    if len(began.members) < 2:
        return Proved()
    larger = register_images(began, sorted(group - set(began.members)), views, init, config.bundle)
    last = adjust_to_convergence(larger, views, init, config.bundle)
    return split_into_proved(last, views, init, config.verification, config.bundle)


def _find_initial_pairs(
    group: set[int], factor: float, views: Sequence[View], init: Initialization, config: _Settings
) -> list[_InitialPair]:
    """The best few pairs to begin with."""
    inside = [p for p in _matched_pairs(init) if p.i in group and p.j in group]
    inside = [p for p in inside if len(init.correspondences[p]) >= config.incremental.min_initial_matches]
    inside.sort(key=lambda p: (-len(init.correspondences[p]), p))
    found = [
        _pose_initial_pair(p, factor, views, init, config)
        for p in inside[: config.incremental.pairs_looked_at]
    ]
    good = sorted((s for s in found if s is not None), key=lambda s: (-s.worth, s.pair))
    return good[: config.incremental.initial_pairs]


def _pose_initial_pair(
    pair: Pair, factor: float, views: Sequence[View], init: Initialization, config: _Settings
) -> _InitialPair | None:
    """The pair posed with focals this many times those of the evidence; None if too few matches agree."""
    camera_i, camera_j = (_camera(view, factor, views, init) for view in (pair.i, pair.j))
    matches = init.correspondences[pair]
    max_error_px = config.incremental.max_error * max(camera_i.width, camera_i.height)
    options = ransac_options(max_error_px, init.seed, config.incremental.min_trials)
    found = pycolmap.estimate_essential_matrix(
        undistort_pixels(matches.pixels_i, camera_i),
        undistort_pixels(matches.pixels_j, camera_j),
        pycolmap_camera(undistort_camera(camera_i)),
        pycolmap_camera(undistort_camera(camera_j)),
        options,
    )
    if found is None or found["num_inliers"] < config.incremental.min_initial_matches:
        return None
    motion = found["cam2_from_cam1"]
    j_from_i = rigid(motion.rotation.matrix(), np.asarray(motion.translation))
    inlier = np.asarray(found["inlier_mask"], dtype=bool)
    angle = _median_angle_deg(matches, camera_i, camera_j, j_from_i, inlier)
    if angle < config.incremental.min_angle_deg:
        return None
    worth = found["num_inliers"] * min(angle / config.incremental.good_angle_deg, 1.0)
    poses = np.stack([np.eye(4), j_from_i])
    errors = epipolar_errors(matches, camera_i, camera_j, j_from_i)[inlier]
    component = Component(
        members=(pair.i, pair.j),
        cameras=(camera_i, camera_j),
        cam_from_world=poses,
        scales={pair: _unit(pair, init)},
        residual_px={pair: float(np.median(errors))},
    )
    return _InitialPair(pair, component, worth)


def _unit(pair: Pair, init: Initialization) -> float:
    """How long the pair's own unit is where its baseline is 1; 1 where it says nothing of it."""
    baselines = [
        np.linalg.norm(p.j_from_i[:3, 3]) for p in init.relative_poses if p.pair == pair and p.metric
    ]
    return 1.0 / float(baselines[0]) if baselines and baselines[0] > 0 else 1.0


def _camera(view: int, factor: float, views: Sequence[View], init: Initialization) -> Camera:
    given = init.known.cameras[view]
    if given is not None:
        return given
    focal = float(np.exp(init.evidence.log_focal[init.groups[view]])) * view_scale(views[view])
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
