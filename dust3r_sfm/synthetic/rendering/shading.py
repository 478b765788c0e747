"""Light on surfaces: a lamp with soft shadows, warm; the sky of the room, cool and dimmed in corners."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dust3r_sfm.synthetic.rendering.lights import Vector
from dust3r_sfm.synthetic.rendering.materials import albedo
from dust3r_sfm.synthetic.rendering.primitives import (
    directions_to_local,
    distance,
    intersect,
    normal_and_uv,
    to_local,
    within_cone,
)
from dust3r_sfm.synthetic.rendering.vectors import dot, length, rotate
from dust3r_sfm.synthetic.scenes import SceneDescription

LAMP_COLOR, AMBIENT_COLOR = (1.06, 1.0, 0.90), (0.94, 1.0, 1.08)
LAMP_RADIUS = 0.22
CORNER = 0.22
"""How near, in world units, other surfaces have to be to keep ambient light away."""


def shade(
    scene: SceneDescription,
    origin: Float[Tensor, "3"],
    directions: Float[Tensor, "3 n"],
    depth: Float[Tensor, " n"],
    ids: Int[Tensor, " n"],
    pixel_angle: float,
    samples: int,
) -> Float[Tensor, "3 n"]:
    """Linear colour of world rays that hit primitive `ids` at t = `depth`; black where ids is -1.

    The rays are `samples` equally long runs, each lit from a place of its own on the lamp.
    """
    hit = ids >= 0
    points, color, normals = surface_color(scene, origin, directions, depth, ids, pixel_angle)
    return color * _light(scene, points, normals, samples) * hit


def surface_color(
    scene: SceneDescription,
    origin: Float[Tensor, "3"],
    directions: Float[Tensor, "3 n"],
    depth: Float[Tensor, " n"],
    ids: Int[Tensor, " n"],
    pixel_angle: float,
    least_slant: float = 0.2,
) -> tuple[Float[Tensor, "3 n"], Float[Tensor, "3 n"], Float[Tensor, "3 n"]]:
    """World points, their linear albedo, and unit normals towards the camera; zero where ids is -1.

    A pixel is taken to be wider on slanted surfaces, by 1 / `least_slant` at most."""
    hit = ids >= 0
    points = origin[:, None] + directions * torch.where(hit, depth, 0.0)
    color, normals = torch.zeros_like(points), torch.zeros_like(points)
    for index in ids[hit].unique().tolist():
        shape, chosen = scene.primitives[index], (ids == index).nonzero()[:, 0]
        local = to_local(shape, points[:, chosen])
        normal, uv = normal_and_uv(shape, local)
        normal = rotate(torch.from_numpy(shape.world_from_local[:3, :3]).to(points), normal)
        view = directions[:, chosen]
        towards = dot(normal, view)
        slant = (towards.abs() / length(view)).clamp_min(least_slant)
        color[:, chosen] = albedo(shape.material, local, uv, pixel_angle * depth[chosen] / slant)
        normals[:, chosen] = normal * -torch.sign(towards)
    return points, color, normals


def _light(
    scene: SceneDescription, points: Float[Tensor, "3 n"], normals: Float[Tensor, "3 n"], samples: int
) -> Float[Tensor, "3 n"]:
    lamp = _lamp_places(scene, samples).to(points).repeat_interleave(points.shape[1] // samples, dim=1)
    to_lamp = lamp - points
    far = length(to_lamp)
    cosine = (dot(normals, to_lamp) / far).clamp_min(0.0)
    direct = 4.2 * cosine / (1.0 + 0.4 * far**2) * _is_lit(scene, points + 2e-3 * normals, lamp)
    ambient = (0.36 + 0.10 * normals[2]) * openness(scene, points, normals)
    return (
        points.new_tensor(LAMP_COLOR)[:, None] * direct + points.new_tensor(AMBIENT_COLOR)[:, None] * ambient
    )


def lamp_position(scene: SceneDescription) -> Vector:
    assert isinstance(scene.light, tuple), "several lamps or the sun are for photo.render_photo"
    return scene.light


def _lamp_places(scene: SceneDescription, count: int) -> Float[Tensor, "3 count"]:
    """Places spread over the lamp's disc: what softens shadows."""
    index = np.arange(count)
    angle, radius = 2.399963 * index, LAMP_RADIUS * np.sqrt((index + 0.5) / count)
    x, y, z = lamp_position(scene)
    return torch.from_numpy(
        np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle), z + 0.0 * angle])
    )


def _is_lit(
    scene: SceneDescription, points: Float[Tensor, "3 n"], lamp: Float[Tensor, "3 n"]
) -> Bool[Tensor, " n"]:
    """Whether nothing stands between points and their places on the lamp."""
    lit = torch.ones_like(points[0], dtype=torch.bool)
    middle = points.new_tensor(lamp_position(scene))
    for index in within_cone(scene.primitives, middle, points - middle[:, None], LAMP_RADIUS):
        shape = scene.primitives[index]
        lit &= intersect(shape, to_local(shape, points), directions_to_local(shape, lamp - points)) > 0.995
    return lit


def openness(
    scene: SceneDescription, points: Float[Tensor, "3 n"], normals: Float[Tensor, "3 n"]
) -> Float[Tensor, " n"]:
    """1 in the open, towards 0.4 where another surface is near in front: the grey of corners and contacts."""
    ahead = points + CORNER * normals
    low, high = points.amin(dim=1), points.amax(dim=1)
    middle, spread = (low + high).cpu().numpy() / 2, (high - low).norm().item() / 2
    nearest = torch.full_like(points[0], CORNER)
    for shape in scene.primitives:
        if np.linalg.norm(shape.world_from_local[:3, 3] - middle) > spread + shape.reach + 2 * CORNER:
            continue
        nearest = torch.minimum(nearest, distance(shape, to_local(shape, ahead)))
    return 0.4 + 0.6 * (nearest / CORNER).clamp(0.0, 1.0)
