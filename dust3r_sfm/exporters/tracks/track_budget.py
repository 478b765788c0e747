"""Which track points to keep when there are more than a model should hold."""

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.types import Scene, Tracks


def choose_points(
    scene: Scene, errors_px: Float[np.ndarray, " o"], max_points: int | None, cells_a_side: int = 16
) -> Int[np.ndarray, " chosen"]:
    """Indices, ascending, of at most `max_points` (None: all) track points, by coverage and quality.

    First every image's best point, so that none is left without if it has any (given max_points >= the number
    of images); then, round by round, the next best point of every cell of a grid over each image, of
    `cells_a_side` each way. Better means more observations, then a smaller mean of `errors_px` (one an
    observation), then the lower index."""
    tracks = scene.tracks
    num_points = len(tracks.xyz)
    if max_points is None or num_points <= max_points:
        return np.arange(num_points)
    quality = _quality_rank(tracks, errors_px)
    rounds = _best_rank(tracks, rank_within(_cell_index(scene, cells_a_side), quality[tracks.point_index]))
    not_first = _best_rank(tracks, rank_within(tracks.view_index, quality[tracks.point_index])) > 0
    return np.sort(np.lexsort((quality, rounds, not_first))[:max_points])


def _quality_rank(tracks: Tracks, errors_px: Float[np.ndarray, " o"]) -> Int[np.ndarray, " p"]:
    """0 for the best point."""
    lengths = np.bincount(tracks.point_index, minlength=len(tracks.xyz))
    sums = np.bincount(tracks.point_index, weights=errors_px, minlength=len(tracks.xyz))
    rank = np.empty(len(lengths), dtype=int)
    rank[np.lexsort((sums / np.maximum(lengths, 1), -lengths))] = np.arange(len(lengths))
    return rank


def _cell_index(scene: Scene, a_side: int) -> Int[np.ndarray, " o"]:
    """A number for the (image, grid cell) of each observation."""
    sizes = np.array([view.size for view in scene.views])[scene.tracks.view_index]
    cells = np.floor(scene.tracks.pixels / sizes * a_side).astype(int).clip(0, a_side - 1)
    return (scene.tracks.view_index * a_side + cells[:, 1]) * a_side + cells[:, 0]


def rank_within(group: Int[np.ndarray, " o"], quality: Int[np.ndarray, " o"]) -> Int[np.ndarray, " o"]:
    """How many rows of the same group have a lower quality number (numbers within a group differ)."""
    order = np.lexsort((quality, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(group)))
    rank = np.empty(len(group), dtype=int)
    rank[order] = np.arange(len(group)) - np.repeat(starts, lengths)
    return rank


def _best_rank(tracks: Tracks, rank: Int[np.ndarray, " o"]) -> Int[np.ndarray, " p"]:
    """The lowest rank among each point's observations."""
    best = np.full(len(tracks.xyz), np.iinfo(int).max)
    np.minimum.at(best, tracks.point_index, rank)
    return best
