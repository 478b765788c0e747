"""Which pixels show sky, without a network.

Sky is smooth but for the edges of clouds, reaches the photo's upper edge, lies above the horizon, is not
warmer than grey and brighter than most else, and no depth is trusted there. Blank walls and ceilings may be
all that. But of walls some depth is trusted; and sky is infinitely far: what one photo takes for sky must be
sky in the same direction of others, from wherever they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from dust3r_sfm.dense.choices import SkyChoice
from dust3r_sfm.dense.point_cloud import usable_depth
from dust3r_sfm.dense.upright.up_axis import up_direction
from dust3r_sfm.geometry import invert_rigid, pixel_grid, project, unproject
from dust3r_sfm.geometry.resampling import inside, nearest_indices
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene

Sky = Bool[np.ndarray, "_h _w"]


@dataclass(frozen=True)
class SkyConfig:
    """Chosen on reichstag_internet, kitti, fountain and rendered meadows; see docs/benchmarks.md."""

    smoothing_px: float = 1.0
    """Of the photo (standard deviation) where it is differentiated."""
    most_gradient: float = 4.0
    """Of 255 levels in a pixel, within one sky: a soft cloud's; walls have joints, windows and frames."""
    joined_px: int = 3
    """Parts that hang together by less are two."""
    min_confidence: float = 1.5
    """Depth trusted so much, over a square of `trusted_px`, is of something."""
    trusted_px: int = 5
    """See `min_confidence`: between photos of one sky some specks match."""
    most_trusted: float = 0.1
    """Share of the smooth whole of which it is a part where depth is trusted: 0.09 and less of sky, 0.12 and
    more of plaster in fountain and in rendered rooms."""
    least_elevation_deg: float = 0.0
    """Sky is above the horizon."""
    least_share: float = 0.003
    """Of the photo's pixels, of one part: smaller ones tell nothing."""
    most_warmth: float = 3.0
    """Red over blue of its median colour, in levels: what lamps light is warmer, and so is a red sky."""
    least_brighter: float = 0.5
    """Share of the other pixels than which its median is brighter: snow and white houses are brighter."""
    other_views: int = 12
    """With so many others, near and far, each photo is compared."""
    samples: int = 400
    """Directions of each part that are looked up in them."""
    least_seen: float = 0.2
    """Other views that see such a direction, on average: what hardly any sees is not confirmed."""
    least_agreement: float = 0.2
    """Share of these that are taken for sky there too. True sky is behind something in others: 0.24 of the
    photo of reichstag_internet that was taken from farthest away; white houses of kitti have up to 0.25, and
    less when others of them are gone."""
    growth_px: int = 6
    """Its edge is looked for within this: smooth pixels end before it."""
    color_step: float = 14.0
    """Levels by which a pixel at its edge may differ from the sky around, in each colour."""
    color_reach_px: float = 6.0
    """Over which that sky is averaged (standard deviation)."""
    largest_hole: float = 0.002
    """Share of the photo's pixels of a gap that is closed, if nothing trusted is in it: rims of clouds."""


def find_sky(
    scene: Scene, config: SkyConfig | None = None, progress: Progress | None = None
) -> tuple[Sky, ...]:
    """True where a view shows sky. Up is that of the scene's report, else that of each photo. A photo alone
    has no sky, as nothing confirms it."""
    config, progress = config or SkyConfig(), progress or Silent()
    count = len(scene.views)
    progress.start("Finding sky", count, "views")
    candidates = []
    for parts in in_threads(lambda view: _candidates(scene, view, config), range(count)):
        candidates.append(parts)
        progress.advance()
    confirmed = _confirm(scene, candidates, config)
    return tuple(in_threads(lambda view: _complete(scene, view, confirmed[view], config), range(count)))


def _confirm(scene: Scene, candidates: list[list[Sky]], config: SkyConfig) -> list[list[Sky]]:
    """What other photos confirm, by what is confirmed itself."""
    while True:
        skies = [_union(scene, view, parts) for view, parts in enumerate(candidates)]
        kept = [
            [part for part in parts if _is_confirmed(scene, view, part, skies, config)]
            for view, parts in enumerate(candidates)
        ]
        if sum(map(len, kept)) == sum(map(len, candidates)):
            return kept
        candidates = kept


def with_sky(scene: Scene, choice: SkyChoice, progress: Progress | None = None) -> Scene:
    """The scene with its sky as it is, removed, or masked as well."""
    if choice == "keep":
        return scene
    sky = find_sky(scene, None, progress)
    return remove_sky(scene, sky) if choice == "remove" else mask_sky(scene, sky)


def remove_sky(scene: Scene, sky: Sequence[Sky]) -> Scene:
    """Depth there is unknown (0, of confidence 1)."""
    return replace(
        scene,
        depth=tuple(np.where(s, 0.0, d).astype(d.dtype) for s, d in zip(sky, scene.depth, strict=True)),
        confidence=tuple(
            np.where(s, 1.0, c).astype(c.dtype) for s, c in zip(sky, scene.confidence, strict=True)
        ),
    )


def mask_sky(scene: Scene, sky: Sequence[Sky]) -> Scene:
    """Sky is masked in the photos too: no observation, no training."""
    views = [
        replace(view, mask=~s if view.mask is None else view.mask & ~s)
        for view, s in zip(scene.views, sky, strict=True)
    ]
    return replace(remove_sky(scene, sky), views=tuple(views))


def _blank(scene: Scene, view: int) -> Sky:
    return np.zeros(scene.depth[view].shape, dtype=bool)


def _union(scene: Scene, view: int, parts: Sequence[Sky]) -> Sky:
    return np.logical_or.reduce([_blank(scene, view), *parts])


def _candidates(scene: Scene, view: int, config: SkyConfig) -> list[Sky]:
    """Parts of the photo that look like sky."""
    image = scene.views[view].image.astype(np.float32)
    gradient = np.max(
        [ndimage.gaussian_gradient_magnitude(image[..., c], config.smoothing_px) for c in range(3)], axis=0
    )
    smooth = _thin(gradient < config.most_gradient, config)
    smooth &= _elevation_deg(scene, view) > config.least_elevation_deg
    trusted = _trusted(scene, view, config)
    possible = _thin(smooth & ~trusted, config)
    labels, _ = ndimage.label(possible)
    reaching = np.unique(labels[_upper_edge(scene, view) & possible])
    parts = [labels == label for label in reaching]
    wholes, _ = ndimage.label(smooth)
    return [
        part
        for part in parts
        if part.mean() >= config.least_share
        and _has_colour(image, part, config)
        and trusted[np.isin(wholes, wholes[part])].mean() <= config.most_trusted
    ]


def _thin(pixels: Sky, config: SkyConfig) -> Sky:
    """Without what is narrow."""
    return ndimage.binary_opening(pixels, np.ones((config.joined_px, config.joined_px)))


def _trusted(scene: Scene, view: int, config: SkyConfig) -> Sky:
    """Where depth is of something."""
    trusted = usable_depth(scene, view, config.min_confidence)
    return ndimage.binary_opening(trusted, np.ones((config.trusted_px, config.trusted_px)))


def _up_in_camera(scene: Scene, view: int) -> Float[np.ndarray, "3"]:
    up = up_direction(scene)
    return np.array([0.0, -1.0, 0.0]) if up is None else scene.cam_from_world[view, :3, :3] @ up


def _elevation_deg(scene: Scene, view: int) -> Float[np.ndarray, "h w"]:
    """Of each pixel's ray above the horizon; -90 where the lens has none."""
    grid = pixel_grid(*scene.depth[view].shape)
    rays = unproject(grid, np.ones(grid.shape[:2]), scene.cameras[view])
    sine = rays @ _up_in_camera(scene, view) / np.linalg.norm(rays, axis=-1)
    return np.degrees(np.arcsin(np.clip(np.nan_to_num(sine, nan=-1.0), -1.0, 1.0)))


def _upper_edge(scene: Scene, view: int) -> Sky:
    """Border pixels beyond which is up: the first row, and a side of photos that are turned."""
    edge, (x, y, _) = _blank(scene, view), _up_in_camera(scene, view)
    steep = np.hypot(x, y) * np.sqrt(0.5)
    edge[0] |= -y >= steep
    edge[-1] |= y >= steep
    edge[:, 0] |= -x >= steep
    edge[:, -1] |= x >= steep
    return edge


def _has_colour(image: Float[np.ndarray, "h w 3"], part: Sky, config: SkyConfig) -> bool:
    grey = image.mean(axis=-1)
    brighter = (grey[~part] < np.median(grey[part])).mean() if not part.all() else 1.0
    red, _, blue = np.median(image[part], axis=0)
    return bool(red - blue <= config.most_warmth and brighter >= config.least_brighter)


def _is_confirmed(scene: Scene, view: int, part: Sky, skies: Sequence[Sky], config: SkyConfig) -> bool:
    """Whether other photos have sky in the same directions."""
    rows, columns = np.nonzero(part)
    chosen = np.random.default_rng(view).permutation(len(rows))[: config.samples]
    pixels = np.stack([columns[chosen], rows[chosen]], axis=-1) + 0.5
    rays = unproject(pixels, np.ones(len(pixels)), scene.cameras[view]) @ scene.cam_from_world[view, :3, :3]
    agreeing = seen = 0
    for other in _others(scene, view, config.other_views):
        ahead = rays @ scene.cam_from_world[other, :3, :3].T
        found = project(ahead, scene.cameras[other])
        found = found[(ahead[:, 2] > 0) & inside(found, *skies[other].shape)]
        agreeing += int(skies[other][nearest_indices(found, *skies[other].shape)].sum())
        seen += len(found)
    return seen >= config.least_seen * len(rays) and agreeing >= config.least_agreement * seen


def _others(scene: Scene, view: int, most: int) -> list[int]:
    """Views near and far, evenly by rank."""
    centres = invert_rigid(scene.cam_from_world)[:, :3, 3]
    order = np.argsort(np.linalg.norm(centres - centres[view], axis=1), kind="stable")
    order = order[order != view]
    return order[
        np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    ].tolist()


def _complete(scene: Scene, view: int, parts: Sequence[Sky], config: SkyConfig) -> Sky:
    """What is confirmed, to its edges and with its clouds."""
    sky = _union(scene, view, parts)
    if not sky.any():
        return sky
    image = scene.views[view].image.astype(np.float32)
    above = _elevation_deg(scene, view) > config.least_elevation_deg
    share = ndimage.gaussian_filter(sky.astype(np.float32), config.color_reach_px)
    summed = [ndimage.gaussian_filter(image[..., c] * sky, config.color_reach_px) for c in range(3)]
    around = np.stack(summed, axis=-1) / np.maximum(share, np.finfo(np.float32).tiny)[..., None]
    alike = above & (np.abs(image - around).max(axis=-1) < config.color_step)
    sky = ndimage.binary_dilation(sky, iterations=config.growth_px, mask=sky | alike)
    holes, _ = ndimage.label(ndimage.binary_fill_holes(sky) & ~sky)
    sizes = np.bincount(holes.ravel()) / sky.size
    trusted = np.bincount(holes[_trusted(scene, view, config)], minlength=len(sizes))
    closed = (sizes <= config.largest_hole) & (trusted == 0)
    closed[0] = False
    return sky | closed[holes]
