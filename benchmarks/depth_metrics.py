"""How good the fused depth of a scene is: against rendered truth, or against itself under true cameras."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.evaluation import PosedCamera, true_from_estimated
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.geometry import apply_affine, invert_rigid, pixel_grid, project, transform_points, unproject
from dust3r_sfm.geometry.resampling import inside, sample_bilinear
from dust3r_sfm.types import Scene, View

CONFIDENT = 2.0
"""Confidence above which depth is judged."""
OFF = 0.03
"""Relative error from which depth counts as wrong."""
CONSISTENT = 0.01
OCCLUDED = 0.05
"""A point this far behind what the other view sees is taken to be hidden from it, not to be wrong."""


@dataclass(frozen=True)
class DepthScores:
    """`confident_share` of all pixels that see a surface; the other two of the confident ones."""

    photos: int
    confident_share: float
    median_relative_error: float
    off_share: float


@dataclass(frozen=True)
class ConsistencyScores:
    """Over all confident pixels and all other views that see their point with confidence."""

    photos: int
    confident_share: float
    comparisons: int
    consistent_share: float
    median_relative_difference: float


def photos_of(scene: Scene) -> dict[str, PosedCamera]:
    """The scene's cameras, of the stored files, by name."""
    originals = originals_of(scene)
    return {
        view.name: PosedCamera(camera, pose)
        for view, camera, pose in zip(scene.views, originals.cameras, originals.cam_from_world, strict=True)
    }


def true_scale(scene: Scene, truth: Mapping[str, PosedCamera]) -> float:
    """True units in one unit of the scene, by the similarity between the camera centres."""
    similarity = true_from_estimated(photos_of(scene), truth)
    if similarity is None:
        raise ValueError(f"{len(scene.views)} photos were registered: 3 are needed for a scale")
    return float(np.cbrt(np.linalg.det(similarity[:3, :3])))


def confident(scene: Scene, view: int) -> Bool[np.ndarray, "h w"]:
    return (scene.depth[view] > 0) & (scene.confidence[view] > CONFIDENT)


def score_depth(
    scene: Scene, truth: Mapping[str, PosedCamera], depths: Mapping[str, Float[np.ndarray, "_h _w"]]
) -> DepthScores:
    """`depths`: true z at the pixel centres of each view, 0 where it sees nothing."""
    scale = true_scale(scene, truth)
    errors, seen = [], 0
    for index, view in enumerate(scene.views):
        true = depths[view.name]
        judged = confident(scene, index) & (true > 0)
        errors.append(np.abs(scale * scene.depth[index][judged] / true[judged] - 1))
        seen += int(np.count_nonzero(true))
    joined = np.concatenate(errors)
    return DepthScores(
        len(scene.views),
        len(joined) / seen,
        float(np.median(joined)) if len(joined) else np.nan,
        float((joined > OFF).mean()) if len(joined) else np.nan,
    )


def score_consistency(scene: Scene, truth: Mapping[str, PosedCamera]) -> ConsistencyScores:
    """Each view's confident depth, moved by the TRUE cameras into every other view, against that view's.

    Neither side is true; but depth that is wrong, or right only in wrong cameras, does not agree.
    """
    scale = true_scale(scene, truth)
    found = [
        _differences(scene, truth, scale, source, target)
        for source, target in permutations(range(len(scene.views)), 2)
    ]
    differences = np.concatenate(found)
    masks = [confident(scene, index) for index in range(len(scene.views))]
    return ConsistencyScores(
        len(scene.views),
        float(np.concatenate(masks, axis=None).mean()),
        len(differences),
        float((np.abs(differences) < CONSISTENT).mean()) if len(differences) else np.nan,
        float(np.median(np.abs(differences))) if len(differences) else np.nan,
    )


def _differences(
    scene: Scene, truth: Mapping[str, PosedCamera], scale: float, source: int, target: int
) -> Float[np.ndarray, " k"]:
    """Signed relative differences in the target's depth, hidden points left out."""
    points = _world_points(scene, truth, scale, source)
    view, photo = scene.views[target], truth[scene.views[target].name]
    in_target = transform_points(photo.cam_from_world, points)
    in_target = in_target[in_target[:, 2] > 0]
    pixels = apply_affine(view.pixel_from_original, project(in_target, photo.camera))
    within = inside(pixels, *scene.depth[target].shape)
    pixels, moved = pixels[within], in_target[within, 2]
    known = confident(scene, target)
    # Between inverse depths, which are linear over a plane; only where all four neighbours are known.
    trusted = sample_bilinear(known.astype(float), pixels) > 1 - 1e-9
    inverse = np.divide(1.0, scene.depth[target], where=known, out=np.zeros(known.shape))
    difference = moved[trusted] * sample_bilinear(inverse, pixels[trusted]) / scale - 1
    return difference[difference < OCCLUDED]


def _world_points(
    scene: Scene, truth: Mapping[str, PosedCamera], scale: float, index: int
) -> Float[np.ndarray, "n 3"]:
    """The view's confident pixels in the true world. By pixels of the stored file, whose turn about the
    optical axis leaves z alone."""
    view, mask = scene.views[index], confident(scene, index)
    photo = truth[view.name]
    depth = scale * scene.depth[index][mask].astype(float)
    in_camera = unproject(_stored_pixels(view)[mask], depth, photo.camera)
    return transform_points(invert_rigid(photo.cam_from_world), in_camera)


def _stored_pixels(view: View) -> Float[np.ndarray, "h w 2"]:
    return apply_affine(np.linalg.inv(view.pixel_from_original), pixel_grid(*view.image.shape[:2]))
