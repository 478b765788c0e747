"""Solid shapes with closed-form ray intersections. Each is placed by `world_from_local` (rigid)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.materials import Material
from dust3r_sfm.types import Rigid

NEAR = 1e-4
"""Hits closer than this along a ray do not count: a shadow ray must leave its own surface."""


@dataclass(frozen=True)
class Quad:
    """The rectangle |x| <= half_size[0], |y| <= half_size[1] at z = 0, seen from both sides."""

    world_from_local: Rigid
    half_size: tuple[float, float]
    material: Material


@dataclass(frozen=True)
class Box:
    """The block |x|, |y|, |z| <= half_size."""

    world_from_local: Rigid
    half_size: tuple[float, float, float]
    material: Material


@dataclass(frozen=True)
class Sphere:
    """The ball of `radius` about the local origin."""

    world_from_local: Rigid
    radius: float
    material: Material


@dataclass(frozen=True)
class Cylinder:
    """The solid x^2 + y^2 <= radius^2, |z| <= half_height."""

    world_from_local: Rigid
    radius: float
    half_height: float
    material: Material


Primitive = Quad | Box | Sphere | Cylinder


def intersect(
    shape: Primitive, origins: Float[Tensor, "#n 3"], directions: Float[Tensor, "n 3"]
) -> Float[Tensor, " n"]:
    """Smallest t > NEAR with origin + t * direction on the surface; inf where the ray misses.

    Rays are in the shape's local frame; directions need not have unit length.
    """
    if isinstance(shape, Quad):
        return _intersect_quad(shape, origins, directions)
    if isinstance(shape, Box):
        return _intersect_box(shape, origins, directions)
    if isinstance(shape, Sphere):
        return _intersect_sphere(shape, origins, directions)
    return _intersect_cylinder(shape, origins, directions)


def _first(t: Tensor, hit: Tensor) -> Tensor:
    return torch.where(hit & (t > NEAR), t, torch.inf)


def _intersect_quad(shape: Quad, o: Tensor, d: Tensor) -> Tensor:
    t = -o[:, 2] / d[:, 2]
    inside_x = (o[:, 0] + t * d[:, 0]).abs() <= shape.half_size[0]
    inside_y = (o[:, 1] + t * d[:, 1]).abs() <= shape.half_size[1]
    return _first(t, inside_x & inside_y)


def _intersect_box(shape: Box, o: Tensor, d: Tensor) -> Tensor:
    near, far = None, None
    for axis, half in enumerate(shape.half_size):
        inverse = 1.0 / d[:, axis]
        centre, reach = -o[:, axis] * inverse, half * inverse.abs()
        enter, leave = centre - reach, centre + reach
        near = enter if near is None else torch.maximum(near, enter)
        far = leave if far is None else torch.minimum(far, leave)
    return _first(near, near <= far)


def _quadratic(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Smaller root of a t^2 + 2 b t + c; nan where there is none."""
    return (-b - torch.sqrt(b * b - a * c)) / a


def _intersect_sphere(shape: Sphere, o: Tensor, d: Tensor) -> Tensor:
    a, b, c = (d * d).sum(-1), (o * d).sum(-1), (o * o).sum(-1) - shape.radius**2
    t = _quadratic(a, b, c)
    return _first(t, t == t)


def _intersect_cylinder(shape: Cylinder, o: Tensor, d: Tensor) -> Tensor:
    oxy, dxy = o[:, :2], d[:, :2]
    side = _quadratic((dxy * dxy).sum(-1), (oxy * dxy).sum(-1), (oxy * oxy).sum(-1) - shape.radius**2)
    side = _first(side, (o[:, 2] + side * d[:, 2]).abs() <= shape.half_height)
    # the cap on the ray's own side is the only one that can be seen from outside
    cap = (-o[:, 2] - shape.half_height * torch.sign(d[:, 2])) / d[:, 2]
    at_cap = oxy + cap[:, None] * dxy
    return torch.minimum(side, _first(cap, (at_cap * at_cap).sum(-1) <= shape.radius**2))


def normal_and_uv(
    shape: Primitive, local: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 2"]]:
    """Outward unit normals (local frame) and surface coordinates (world units) of surface points.

    A box has shifted coordinates on each face, so that its faces do not repeat one another.
    """
    if isinstance(shape, Quad):
        normal = torch.zeros_like(local)
        normal[:, 2] = 1.0
        return normal, local[:, :2].clone()
    if isinstance(shape, Box):
        return _box_normal_and_uv(shape, local)
    if isinstance(shape, Sphere):
        normal = local / shape.radius
        height = torch.asin(normal[:, 2].clamp(-1.0, 1.0))
    else:
        cap = local[:, 2].abs() >= shape.half_height * (1.0 - 1e-5)
        side = torch.cat([local[:, :2] / shape.radius, torch.zeros_like(local[:, 2:])], dim=-1)
        up = torch.zeros_like(local)
        up[:, 2] = torch.sign(local[:, 2])
        normal = torch.where(cap[:, None], up, side)
        height = local[:, 2] / shape.radius
    around = torch.atan2(local[:, 1], local[:, 0])
    return normal, torch.stack([around, height], dim=-1) * shape.radius


def _box_normal_and_uv(shape: Box, local: Tensor) -> tuple[Tensor, Tensor]:
    ratio = local / local.new_tensor(shape.half_size)
    axis = ratio.abs().argmax(dim=-1, keepdim=True)
    sign = torch.sign(ratio.gather(1, axis))
    normal = torch.zeros_like(local).scatter_(1, axis, sign)
    u = torch.where(axis == 0, local[:, 1:2], local[:, 0:1])
    v = torch.where(axis == 2, local[:, 1:2], local[:, 2:3])
    return normal, torch.cat([u, v], dim=-1) + (axis * 5.13 + sign * 2.71)
