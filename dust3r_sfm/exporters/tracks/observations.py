"""Which observations of a scene's tracks an export may show."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from dust3r_sfm.geometry.resampling import sample_nearest
from dust3r_sfm.types import Scene, Tracks


def drop_masked_observations(scene: Scene, min_observations: int = 2) -> Scene:
    """The scene without observations in masked pixels, and without points that then have too few."""
    keep = np.ones(len(scene.tracks.view_index), dtype=bool)
    for index, view in enumerate(scene.views):
        if view.mask is not None:
            rows = np.flatnonzero(scene.tracks.view_index == index)
            keep[rows] = sample_nearest(view.mask, scene.tracks.pixels[rows])
    return select_observations(scene, keep, min_observations)


def select_observations(scene: Scene, keep: Bool[np.ndarray, " o"], min_observations: int = 2) -> Scene:
    """The scene with the kept observations of points that have `min_observations` of them."""
    tracks = scene.tracks
    counts = np.bincount(tracks.point_index[keep], minlength=len(tracks.xyz))
    points = counts >= min_observations
    if keep.all() and points.all():
        return scene
    rows = keep & points[tracks.point_index]
    number = np.cumsum(points) - 1
    kept = Tracks(
        tracks.xyz[points],
        tracks.color[points],
        number[tracks.point_index[rows]],
        tracks.view_index[rows],
        tracks.pixels[rows],
    )
    return replace(scene, tracks=kept)
