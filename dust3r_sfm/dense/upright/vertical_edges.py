"""Up by what is upright: edges of walls, doors and posts point to the zenith in every photo.

An edge in a photo and the camera's centre span a plane. Its normal is horizontal if the edge is vertical, so
up is the direction across most of these normals, those of all photos together (vanishing points on the
sphere: Barnard 1983).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from dust3r_sfm.dense.upright.evidence import UpEvidence
from dust3r_sfm.geometry.projection import unproject
from dust3r_sfm.geometry.transforms import tangents
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene, UpSource


@dataclass(frozen=True)
class VerticalEdgesConfig:
    """Which pixels are edges, and when so many are vertical that it is no accident."""

    smoothing_px: float = 1.5
    """Of the photo (standard deviation), before it is differentiated."""
    along_px: float = 2.0
    """Over which an edge keeps its direction (standard deviation)."""
    straight: float = 0.9
    """Least coherence of the gradients there: 1 on a straight edge, 0 where there is texture."""
    strongest: float = 0.2
    """Share of a photo's pixels whose gradients are strong enough."""
    step_px: float = 4.0
    """Along the edge, between the two rays that span its plane."""
    most_views: int = 100
    """Of more photos so many are asked, evenly spread."""
    most_edges: int = 100_000
    """Pixels of all photos together."""
    width_deg: float = 1.0
    """Standard deviation of an edge's direction in the sum that is maximised."""
    steps_a_side: int = 41
    """Of the grid of directions on which the maximum is looked for, before it is refined."""
    least_reach_deg: float = 6.0
    """How far from what the cameras say is looked, at least."""
    most_reach_deg: float = 20.0
    """And at most."""
    reach_stds: float = 2.5
    """So many of the cameras' standard deviations between these."""
    pixels_an_edge: float = 20.0
    """Neighbouring pixels of one edge say the same: so many count as one."""
    least_score: float = 4.0
    """Standard deviations of that count by which the maximum stands above the median of the directions near
    by: table tops, plants and gravel are below."""
    std_deg: float = 0.5
    """Of what verticals all around tell: of those of one wall it is known less well along the view."""
    refinements: int = 15
    """Steps from the grid's best direction to the maximum."""


def up_from_edges(
    scene: Scene,
    near: UpEvidence,
    config: VerticalEdgesConfig | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> UpEvidence | None:
    """The direction near one that is known roughly across which most edges' normals are; None if it does not
    stand out."""
    config = config or VerticalEdgesConfig()
    normals = _all_edge_normals(scene, config, seed, progress or Silent())
    reach = np.clip(config.reach_stds * near.std_deg, config.least_reach_deg, config.most_reach_deg)
    upright = normals[np.abs(normals @ near.direction) < np.sin(np.radians(reach + 3 * config.width_deg))]
    if not len(upright):
        return None
    best, score = _best_on_grid(near.direction, upright, float(reach), config)
    if score < config.least_score:
        return None
    up = _refine(best, upright, config)
    weight = _weights(upright @ up, config)
    across = upright @ tangents(up).T
    # 1/2 along both axes where edges are seen all around.
    spread = 2.0 * (across * weight[:, None]).T @ across / weight.sum()
    covariance = np.radians(config.std_deg) ** 2 * np.linalg.inv(spread + np.finfo(float).eps * np.eye(2))
    share = weight.sum() / len(normals)
    return UpEvidence(up, covariance, UpSource.VERTICALS, f"{share:.0%} of the edges in photos are upright")


def _all_edge_normals(
    scene: Scene, config: VerticalEdgesConfig, seed: int, progress: Progress
) -> Float[np.ndarray, "k 3"]:
    count = min(len(scene.views), config.most_views)
    views = np.linspace(0, len(scene.views) - 1, count).round().astype(int).tolist()
    progress.start("Finding up", count, "views")
    found = []
    for normals in in_threads(
        lambda view: _edge_normals(scene, view, config.most_edges // count, config, seed), views
    ):
        found.append(normals)
        progress.advance()
    return np.concatenate(found)


def _edge_normals(
    scene: Scene, view: int, most: int, config: VerticalEdgesConfig, seed: int
) -> Float[np.ndarray, "k 3"]:
    """Unit normals in the world of the planes through the camera's centre and edge pixels."""
    photo, camera = scene.views[view], scene.cameras[view]
    grey = photo.image.astype(np.float32).mean(axis=2)
    edges, along = _edges(ndimage.gaussian_filter(grey, config.smoothing_px), config)
    if photo.mask is not None:
        edges &= photo.mask
    chosen: Int[np.ndarray, " k"] = np.random.default_rng([seed, view]).permutation(np.flatnonzero(edges))
    row, column = np.unravel_index(chosen[:most], edges.shape)
    pixels = np.stack([column, row], axis=-1) + 0.5
    ones = np.ones(len(pixels))
    first = unproject(pixels, ones, camera)
    second = unproject(pixels + config.step_px * along[row, column], ones, camera)
    normals = np.cross(first, second)
    length = np.linalg.norm(normals, axis=1)
    usable = np.isfinite(length) & (length > 0)
    return normals[usable] / length[usable, None] @ scene.cam_from_world[view, :3, :3]


def _edges(
    grey: Float[np.ndarray, "h w"], config: VerticalEdgesConfig
) -> tuple[Bool[np.ndarray, "h w"], Float[np.ndarray, "h w 2"]]:
    """Pixels on straight edges, thinned to the strongest across each, and the unit direction (x, y) along it:
    across the strongest axis of the structure tensor."""
    dx, dy = ndimage.sobel(grey, axis=1), ndimage.sobel(grey, axis=0)
    strength = np.hypot(dx, dy)
    xx, xy, yy = (ndimage.gaussian_filter(each, config.along_px) for each in (dx * dx, dx * dy, dy * dy))
    coherence = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, np.finfo(np.float32).tiny)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    across = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    rows, columns = np.indices(grey.shape)
    beside = [
        ndimage.map_coordinates(
            strength, [rows + side * across[..., 1], columns + side * across[..., 0]], order=1, mode="nearest"
        )
        for side in (-1, 1)
    ]
    edges = (strength >= beside[0]) & (strength >= beside[1]) & (coherence > config.straight)
    edges &= strength > np.quantile(strength, 1.0 - config.strongest)
    return edges, np.stack([-across[..., 1], across[..., 0]], axis=-1)


def _best_on_grid(
    near: Float[np.ndarray, "3"],
    normals: Float[np.ndarray, "k 3"],
    reach_deg: float,
    config: VerticalEdgesConfig,
) -> tuple[Float[np.ndarray, "3"], float]:
    """And how far it stands above the median, in standard deviations of a count."""
    steps = np.tan(np.radians(np.linspace(-reach_deg, reach_deg, config.steps_a_side)))
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    grid = grid[np.linalg.norm(grid, axis=1) <= steps[-1]]
    tried = near + grid @ tangents(near)
    tried /= np.linalg.norm(tried, axis=1, keepdims=True)
    sums = np.array([_weights(normals @ each, config).sum() for each in tried]) / config.pixels_an_edge
    typical = float(np.median(sums))
    best = int(sums.argmax())
    return tried[best], float(sums[best] - typical) / max(typical, 1.0) ** 0.5


def _refine(
    up: Float[np.ndarray, "3"], normals: Float[np.ndarray, "k 3"], config: VerticalEdgesConfig
) -> Float[np.ndarray, "3"]:
    for _ in range(config.refinements):
        sine, basis = normals @ up, tangents(up)
        weight, across = _weights(sine, config), normals @ basis.T
        information = (across * weight[:, None]).T @ across + np.finfo(float).eps * np.eye(2)
        up = up - np.linalg.solve(information, across.T @ (weight * sine)) @ basis
        up /= np.linalg.norm(up)
    return up


def _weights(sine: Float[np.ndarray, " k"], config: VerticalEdgesConfig) -> Float[np.ndarray, " k"]:
    return np.exp(-0.5 * (sine / np.sin(np.radians(config.width_deg))) ** 2)
