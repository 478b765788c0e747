"""Light that falls on surfaces, one shaded point a pixel: a soft lamp, ceiling lamps, or sun and sky."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.lights import Lamps, Sun
from dust3r_sfm.synthetic.rendering.primitives import directions_to_local, intersect, to_local, within_cone
from dust3r_sfm.synthetic.rendering.shading import AMBIENT_COLOR, LAMP_COLOR, LAMP_RADIUS, openness
from dust3r_sfm.synthetic.rendering.vectors import dot, length
from dust3r_sfm.synthetic.scenes import SceneDescription

SUN_COLOR, SKY_COLOR = (1.08, 1.0, 0.88), (0.86, 0.97, 1.16)


@dataclass(frozen=True)
class _Source:
    """Where light comes from, towards `towards` ("3 n"), `strength` times the cosine of its fall."""

    towards: Float[Tensor, "3 n"]
    strength: Float[Tensor, " n"]
    blockers: list[int]


def illuminate(
    scene: SceneDescription, points: Float[Tensor, "3 n"], normals: Float[Tensor, "3 n"]
) -> Float[Tensor, "3 n"]:
    """Linear light at world points with unit `normals`, to be multiplied by their albedo."""
    direct = torch.zeros_like(points[0])
    start = points + 2e-3 * normals
    for source in _sources(scene, points):
        cosine = (dot(normals, source.towards) / length(source.towards)).clamp_min(0.0)
        falling = source.strength * cosine
        lit = (falling > 1e-4).nonzero()[:, 0]
        if len(lit):
            clear = _clear(scene, start[:, lit], source.towards[:, lit], source.blockers)
            direct[lit] += falling[lit] * clear
    outside = isinstance(scene.light, Sun)
    ambient = (0.36 + 0.10 * normals[2]) * openness(scene, points, normals)
    if isinstance(scene.light, Sun):
        ambient = ambient * (scene.light.sky / 0.36)
    warm = points.new_tensor(SUN_COLOR if outside else LAMP_COLOR)[:, None]
    return warm * direct + points.new_tensor(SKY_COLOR if outside else AMBIENT_COLOR)[:, None] * ambient


def _sources(scene: SceneDescription, points: Tensor) -> list[_Source]:
    if isinstance(scene.light, Sun):
        return _sun_sources(scene, scene.light, points)
    if isinstance(scene.light, Lamps):
        middle, spread = points.mean(dim=1), (points - points.mean(dim=1, keepdim=True)).norm(dim=0).max()
        near = [
            p
            for p in scene.light.places
            if (points.new_tensor(p) - middle).norm() < scene.light.reach_m + spread
        ]
        return [
            _lamp_source(scene, np.array(p), points, scene.light.strength, scene.light.reach_m) for p in near
        ]
    return [
        _lamp_source(scene, place, points, 4.2 / 3.0, np.inf) for place in _disc(np.array(scene.light), 3)
    ]


def _disc(middle: Float[np.ndarray, "3"], count: int) -> Float[np.ndarray, "count 3"]:
    """Places spread over a lamp: what softens shadows."""
    index = np.arange(count)
    angle, radius = 2.399963 * index, LAMP_RADIUS * np.sqrt((index + 0.5) / count)
    return middle + np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.0 * angle], axis=-1)


def _lamp_source(
    scene: SceneDescription, place: Float[np.ndarray, "3"], points: Tensor, strength: float, reach_m: float
) -> _Source:
    lamp = torch.from_numpy(place).to(points)
    towards = lamp[:, None] - points
    far = length(towards)
    # fades to nothing at its reach, so that no circle shows where a lamp is left out
    window = (1.0 - (far / reach_m) ** 2).clamp_min(0.0)
    farthest = far.max().item()
    blockers = [
        index
        for index in within_cone(scene.primitives, lamp, -towards)
        if np.linalg.norm(scene.primitives[index].world_from_local[:3, 3] - place)
        < farthest + scene.primitives[index].reach
    ]
    return _Source(towards, strength * window / (1.0 + 0.4 * far**2), blockers)


def _sun_sources(scene: SceneDescription, sun: Sun, points: Tensor) -> list[_Source]:
    """Two suns half a degree apart, of half the strength: their shadows are a little soft."""
    middle = np.array(sun.towards) / np.linalg.norm(sun.towards)
    blockers = _on_the_way(scene, middle, points)
    half = torch.full_like(points[0], sun.strength / 2)
    sources = []
    for turn in (-0.005, 0.005):
        towards = torch.from_numpy(middle + turn * np.array([-middle[1], middle[0], 0.5])).to(points)
        sources.append(_Source(towards[:, None].expand_as(points), half, blockers))
    return sources


def _on_the_way(scene: SceneDescription, towards: Float[np.ndarray, "3"], points: Tensor) -> list[int]:
    """Shapes whose bounding balls may stand between `points` and the sun."""
    low, high = points.amin(dim=1).numpy(), points.amax(dim=1).numpy()
    middle, spread = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    centres = np.stack([shape.world_from_local[:3, 3] for shape in scene.primitives]) - middle
    reach = np.array([shape.reach for shape in scene.primitives]) + spread
    ahead = centres @ towards
    beside = np.linalg.norm(centres - ahead[:, None] * towards, axis=-1)
    return np.flatnonzero((beside < 1.02 * reach + 0.02 * np.abs(ahead)) & (ahead > -reach)).tolist()


def _clear(scene: SceneDescription, start: Tensor, towards: Tensor, blockers: list[int]) -> Tensor:
    """1 where nothing stands on the way, else 0. The sun's direction is a unit: it has no end to reach."""
    end = torch.inf if isinstance(scene.light, Sun) else 0.995
    clear = torch.ones_like(start[0], dtype=torch.bool)
    # the largest first: where a wall keeps all light out, nothing else need be asked
    for index in sorted(blockers, key=lambda i: -scene.primitives[i].reach):
        shape = scene.primitives[index]
        t = intersect(shape, to_local(shape, start), directions_to_local(shape, towards))
        clear &= t >= end
        if not clear.any():
            break
    return clear.to(start)
