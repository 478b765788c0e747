"""A small scene before image registration: true cameras, exact matches, tracks. Tests then spoil it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dust3r_sfm.alignment.bundle.component_refinement import refine_component
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.schedule import first_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.pairs.initialization import Initialization, initialize
from dust3r_sfm.evidence import Evidence, EvidenceConfig, evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_angle_deg, rotation_from_vector
from dust3r_sfm.progress import Silent
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.types import Correspondences, Pair, PairPrediction, View

CONFIG = AlignmentConfig()
BUNDLE = BundleConfig()
EVERY = 2
"""Rows and columns of view i that have matches: the same for all pairs, so that tracks join."""


@dataclass(frozen=True)
class PosedScene:
    truth: object
    start: Initialization
    posed: Component


def posed_scene(
    truth,
    pairs: Sequence[Pair],
    used: Sequence[Pair],
    members: Sequence[int],
    change: Callable[[PairPrediction], PairPrediction] = lambda prediction: prediction,
) -> PosedScene:
    """`members` posed truly with the pairs `used`, of all `pairs` that were predicted (and changed)."""
    exact = synthetic_predictions(
        truth.depths, truth.cameras, truth.cam_from_world, pairs, max_correspondences=10_000
    )
    predictions = [change(replace(p, correspondences=_thinned(p.correspondences))) for p in exact]
    evidence = evidence_from_predictions(truth.views, predictions, EvidenceConfig(samples=400))
    start = initialization_of(truth.views, evidence)
    component = true_solution(truth, start, used, members)
    posed, gone = refine_component(component, truth.views, start, BUNDLE, first_adjustment)
    assert not gone
    return PosedScene(truth, start, posed)


def true_solution(truth, start: Initialization, used: Sequence[Pair], members: Sequence[int]) -> Component:
    baselines = {m.pair: float(np.linalg.norm(m.j_from_i[:3, 3])) for m in start.relative_poses}
    scales = {
        pair: float(np.linalg.norm(relative(truth.cam_from_world, pair.i, pair.j)[:3, 3])) / baselines[pair]
        for pair in used
    }
    cameras = tuple(truth.cameras[m] for m in members)
    return Component(
        members=tuple(members),
        cameras=cameras,
        cam_from_world=truth.cam_from_world[list(members)],
        scales=scales,
        residual_px=dict.fromkeys(used, 0.1),
    )


def initialization_of(views: Sequence[View], evidence: Evidence) -> Initialization:
    return initialize(views, evidence, CONFIG.cameras, CONFIG.presets, CONFIG.pairs, CONFIG.seed, Silent())


def _thinned(found: Correspondences) -> Correspondences:
    rows = (np.floor(found.pixels_i) % EVERY == 0).all(axis=1)
    return Correspondences(found.pixels_i[rows], found.pixels_j[rows], found.weights[rows])


def relative(cam_from_world: np.ndarray, i: int, j: int) -> np.ndarray:
    return cam_from_world[j] @ invert_rigid(cam_from_world[i])


def moved_away(posed: Component, members: Sequence[int]) -> Component:
    """Some of the views moved together: by 12 degrees about the scene's middle, and a little aside."""
    world_from_moved = rigid(rotation_from_vector(np.array([0.05, 0.2, 0.0])), np.array([0.3, 0.0, 0.1]))
    cam_from_world = posed.cam_from_world.copy()
    for member in members:
        cam_from_world[posed.members.index(member)] @= world_from_moved
    return replace(posed, cam_from_world=cam_from_world)


def largest_turn_deg(scene: PosedScene, posed: Component) -> float:
    """Between each member and the first, found against true."""
    first = posed.members[0]
    errors = [
        rotation_angle_deg(
            relative(posed.cam_from_world, 0, local)[:3, :3]
            @ relative(scene.truth.cam_from_world, first, member)[:3, :3].T
        )
        for local, member in enumerate(posed.members)
    ]
    return float(np.max(errors))
