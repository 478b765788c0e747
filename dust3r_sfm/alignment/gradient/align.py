"""Predictions in, scenes out, by descent: every pixel of every pair of a component in memory at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.gradient.config import GradientConfig
from dust3r_sfm.alignment.gradient.descent import Descended, Fixed, descend
from dust3r_sfm.alignment.gradient.initialization import initial_parameters
from dust3r_sfm.alignment.gradient.objective import stack_maps
from dust3r_sfm.alignment.gradient.parameters import (
    CENTRE_STEPS,
    Parameters,
    expand_translation,
    focals_px,
    rotation,
)
from dust3r_sfm.alignment.pairs.initialization import Initialization, initialize
from dust3r_sfm.evidence import EvidenceConfig, evidence_from_predictions
from dust3r_sfm.geometry import invert_rigid, rigid
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.geometry.view_cameras import view_camera, view_scale
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import (
    AlignmentReport,
    AlignmentStage,
    Camera,
    Pair,
    PairPrediction,
    PairReport,
    Reconstruction,
    Rigid,
    Scene,
    Tracks,
    View,
)

WORLD_UNITS = "world units"


def align_by_gradient(
    views: Sequence[View],
    predictions: Sequence[PairPrediction],
    config: AlignmentConfig,
    gradient: GradientConfig,
    progress: Progress,
) -> Reconstruction:
    """Every connected component as a scene, largest first, with what `config` says of cameras and presets.
    Believes every pair: wrong ones bend the scene. World: the tree's first camera's, pairs of geometric mean
    scale `gradient.base_scale`; that of the given poses where there are any. Memory: about 500 bytes a
    pixel and pair. Whole given cameras count with their focal only."""
    dropped = {view.name: "no pair with another image" for view in views}
    if not predictions:
        return Reconstruction((), dropped)
    evidence = evidence_from_predictions(views, predictions, EvidenceConfig(matches=0, kept_maps=0))
    init = initialize(views, evidence, config.cameras, config.presets, config.pairs, config.seed, progress)
    components = _components(predictions, len(views))
    progress.start("Descending", gradient.iterations * len(components), "steps")
    scenes = [_scene(members, views, predictions, init, config, gradient, progress) for members in components]
    placed = {view.name for scene in scenes for view in scene.views}
    left = {name: reason for name, reason in dropped.items() if name not in placed}
    return Reconstruction(tuple(scenes), left)


def _components(predictions: Sequence[PairPrediction], num_views: int) -> list[Int[np.ndarray, " n"]]:
    """Indices of the views of each component of at least two, most views first."""
    ends = np.array([(p.pair.i, p.pair.j) for p in predictions]).T
    labels = label_components(ends[0], ends[1], num_views)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted((m for m in members if len(m) >= 2), key=lambda m: (-len(m), int(m[0])))


def _scene(
    members: Int[np.ndarray, " n"],
    views: Sequence[View],
    predictions: Sequence[PairPrediction],
    init: Initialization,
    config: AlignmentConfig,
    gradient: GradientConfig,
    progress: Progress,
) -> Scene:
    number = {int(member): local for local, member in enumerate(members)}
    mine = [views[m] for m in members]
    inside = [
        replace(p, pair=Pair(number[p.pair.i], number[p.pair.j])) for p in predictions if p.pair.i in number
    ]
    poses = {local: pose for m, local in number.items() if (pose := init.known.cam_from_world[m]) is not None}
    values = initial_parameters(mine, inside, _focals(members, views, init), poses, gradient, config.seed)
    fixed = Fixed(
        torch.tensor([local in poses for local in range(len(mine))]),
        torch.tensor([init.known.cameras[int(m)] is not None for m in members]),
    )
    maps = stack_maps(mine, inside, gradient)
    found = descend(values, maps, fixed, gradient, progress.advance)
    return _as_scene(mine, inside, found, poses)


def _focals(
    members: Int[np.ndarray, " n"], views: Sequence[View], init: Initialization
) -> Float[np.ndarray, " n"]:
    """In pixels of each view."""
    logs = [init.evidence.log_focal[init.groups[m]] + np.log(view_scale(views[m])) for m in members]
    return np.exp(np.array(logs))


def _as_scene(
    views: Sequence[View],
    predictions: Sequence[PairPrediction],
    found: Descended,
    given: dict[int, Rigid],
) -> Scene:
    values = found.values
    poses = rigid(
        _numpy(rotation(values.view_quaternion)), _numpy(expand_translation(values.view_translation))
    )
    cam_from_world = invert_rigid(poses)
    for local, pose in given.items():
        cam_from_world[local] = pose
    depths = []
    for view, logs in zip(views, _numpy(values.log_depth), strict=True):
        depth = np.exp(logs[: view.image.shape[0] * view.image.shape[1]]).reshape(view.image.shape[:2])
        depths.append((depth if view.mask is None else np.where(view.mask, depth, 0.0)).astype(np.float32))
    reports = [PairReport(p.pair, True, p.geometry, 0, None) for p in predictions]
    return Scene(
        tuple(views),
        _cameras(views, values),
        cam_from_world,
        tuple(depths),
        _confidences(views, predictions),
        Tracks.empty(),
        AlignmentReport(
            tuple(reports),
            "not run: descended instead",
            stages=(
                AlignmentStage("start of the descent", found.losses[0], found.median_misses[0], WORLD_UNITS),
                AlignmentStage("descent", found.losses[-1], found.median_misses[1], WORLD_UNITS),
            ),
        ),
    )


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.cpu().numpy().astype(np.float64)


def _cameras(views: Sequence[View], values: Parameters) -> tuple[Camera, ...]:
    offsets = _numpy(values.centre) / CENTRE_STEPS
    cameras = [view_camera(v, float(f)) for v, f in zip(views, _numpy(focals_px(values)), strict=True)]
    return tuple(
        reframe_camera(camera, (camera.width, camera.height), camera.focals, (camera.cx + dx, camera.cy + dy))
        for camera, (dx, dy) in zip(cameras, offsets, strict=True)
    )


def _confidences(
    views: Sequence[View], predictions: Sequence[PairPrediction]
) -> tuple[Float[np.ndarray, "_h _w"], ...]:
    """The largest that any pair has, pixel for pixel."""
    out = [np.ones(view.image.shape[:2], np.float32) for view in views]
    for prediction in predictions:
        pair = prediction.pair
        for local, said in ((pair.i, prediction.confidence_i), (pair.j, prediction.confidence_j)):
            np.maximum(out[local], said, out=out[local])
    masks = [True if view.mask is None else view.mask for view in views]
    return tuple(np.where(mask, said, 1.0).astype(np.float32) for mask, said in zip(masks, out, strict=True))
