"""Solid shapes with closed-form ray intersections. Each is placed by `world_from_local` (rigid).

Coordinates come first in every array here ("3 n"): a small matrix times long rows is fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.synthetic.rendering.materials import Material
from dust3r_sfm.synthetic.rendering.vectors import dot, length, rotate
from dust3r_sfm.types import Rigid

NEAR = 1e-4
"""Hits closer than this along a ray do not count: a shadow ray must leave its own surface."""


@dataclass(frozen=True)
class Quad:
    """The rectangle |x| <= half_size[0], |y| <= half_size[1] at z = 0, seen from both sides."""

    world_from_local: Rigid
    half_size: tuple[float, float]
    material: Material

    @property
    def reach(self) -> float:
        """Radius of the ball about the local origin that holds the shape."""
        return (self.half_size[0] ** 2 + self.half_size[1] ** 2) ** 0.5


@dataclass(frozen=True)
class Box:
    """The block |x|, |y|, |z| <= half_size."""

    world_from_local: Rigid
    half_size: tuple[float, float, float]
    material: Material

    @property
    def reach(self) -> float:
        return (self.half_size[0] ** 2 + self.half_size[1] ** 2 + self.half_size[2] ** 2) ** 0.5


@dataclass(frozen=True)
class Sphere:
    """The ball of `radius` about the local origin."""

    world_from_local: Rigid
    radius: float
    material: Material

    @property
    def reach(self) -> float:
        return self.radius


@dataclass(frozen=True)
class Cylinder:
    """The solid x^2 + y^2 <= radius^2, |z| <= half_height."""

    world_from_local: Rigid
    radius: float
    half_height: float
    material: Material

    @property
    def reach(self) -> float:
        return (self.radius**2 + self.half_height**2) ** 0.5


Primitive = Quad | Box | Sphere | Cylinder


def intersect(
    shape: Primitive, origins: Float[Tensor, "3 #n"], directions: Float[Tensor, "3 n"]
) -> Float[Tensor, " n"]:
    """Smallest t > NEAR with origin + t * direction on the surface; inf where the ray misses.

    Rays are in the shape's local frame and start outside it; directions need not have unit length.
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
    t = -o[2] / d[2]
    inside_x = (o[0] + t * d[0]).abs() <= shape.half_size[0]
    inside_y = (o[1] + t * d[1]).abs() <= shape.half_size[1]
    return _first(t, inside_x & inside_y)


def _intersect_box(shape: Box, o: Tensor, d: Tensor) -> Tensor:
    inverse = 1.0 / d
    centre, margin = -o * inverse, d.new_tensor(shape.half_size)[:, None] * inverse.abs()
    near, far = (centre - margin).amax(dim=0), (centre + margin).amin(dim=0)
    return _first(near, near <= far)


def _nearer_root(o: Tensor, d: Tensor, radius: float) -> Tensor:
    """Where rays enter the circle (2 axes) or sphere (3) of `radius`; nan where they miss it."""
    a, b, c = dot(d, d), dot(o, d), dot(o, o) - radius**2
    return (-b - torch.sqrt(b * b - a * c)) / a


def _intersect_sphere(shape: Sphere, o: Tensor, d: Tensor) -> Tensor:
    t = _nearer_root(o, d, shape.radius)
    return _first(t, ~t.isnan())


def _intersect_cylinder(shape: Cylinder, o: Tensor, d: Tensor) -> Tensor:
    side = _nearer_root(o[:2], d[:2], shape.radius)
    side = _first(side, (o[2] + side * d[2]).abs() <= shape.half_height)
    # of the two caps only the one that the ray meets first can be seen from outside
    cap = (-o[2] - shape.half_height * torch.sign(d[2])) / d[2]
    at_cap = o[:2] + cap * d[:2]
    return torch.minimum(side, _first(cap, dot(at_cap, at_cap) <= shape.radius**2))


def to_local(shape: Primitive, points: Float[Tensor, "3 #n"]) -> Float[Tensor, "3 #n"]:
    """World points in the shape's own frame."""
    world_from_local = torch.from_numpy(shape.world_from_local).to(points)
    return rotate(world_from_local[:3, :3].T, points - world_from_local[:3, 3:])


def directions_to_local(shape: Primitive, directions: Float[Tensor, "3 n"]) -> Float[Tensor, "3 n"]:
    return rotate(torch.from_numpy(shape.world_from_local[:3, :3]).to(directions).T, directions)


def within_cone(
    primitives: Sequence[Primitive],
    apex: Float[Tensor, "3"],
    directions: Float[Tensor, "3 n"],
    margin: float = 0.0,
) -> list[int]:
    """Indices of the shapes that rays from within `margin` of `apex` might hit: those whose bounding
    balls, so much larger, meet the cone about the directions."""
    units = directions / length(directions)
    axis = units.mean(dim=1)
    axis = axis / axis.norm()
    half_angle = torch.arccos(dot(axis[:, None], units).min().clamp(-1.0, 1.0)).item() + 1e-3
    centres = np.stack([shape.world_from_local[:3, 3] for shape in primitives]) - apex.cpu().numpy()
    far = np.linalg.norm(centres, axis=-1)
    reach = np.array([shape.reach + margin for shape in primitives])
    off_axis = np.arccos(np.clip(centres @ axis.cpu().numpy() / np.maximum(far, 1e-12), -1.0, 1.0))
    ball_angle = np.arcsin(np.clip(reach / np.maximum(far, 1e-12), 0.0, 1.0))
    return np.flatnonzero((far <= reach) | (off_axis <= half_angle + ball_angle)).tolist()


def distance(shape: Primitive, local: Float[Tensor, "3 n"]) -> Float[Tensor, " n"]:
    """Signed distance from points outside or on a shape (at edges of cylinders an approximation)."""
    if isinstance(shape, Sphere):
        return length(local) - shape.radius
    if isinstance(shape, Cylinder):
        return torch.maximum(length(local[:2]) - shape.radius, local[2].abs() - shape.half_height)
    half = shape.half_size if isinstance(shape, Box) else (*shape.half_size, 0.0)
    return length((local.abs() - local.new_tensor(half)[:, None]).clamp_min(0.0))


def normal_and_uv(
    shape: Primitive, local: Float[Tensor, "3 n"]
) -> tuple[Float[Tensor, "3 n"], Float[Tensor, "2 n"]]:
    """Outward unit normals (local frame) and surface coordinates (world units) of surface points.

    A box has shifted coordinates on each face, so that its faces do not repeat one another.
    """
    if isinstance(shape, Quad):
        normal = torch.zeros_like(local)
        normal[2] = 1.0
        return normal, local[:2].clone()
    if isinstance(shape, Box):
        return _box_normal_and_uv(shape, local)
    around = torch.atan2(local[1], local[0])
    if isinstance(shape, Sphere):
        normal = local / shape.radius
        return normal, torch.stack([around, torch.asin(normal[2].clamp(-1.0, 1.0))]) * shape.radius
    return _cylinder_normal_and_uv(shape, local, around)


def _box_normal_and_uv(shape: Box, local: Tensor) -> tuple[Tensor, Tensor]:
    ratio = local / local.new_tensor(shape.half_size)[:, None]
    axis = ratio.abs().argmax(dim=0, keepdim=True)
    sign = torch.sign(ratio.gather(0, axis))
    normal = torch.zeros_like(local).scatter_(0, axis, sign)
    u = torch.where(axis == 0, local[1:2], local[0:1])
    v = torch.where(axis == 2, local[1:2], local[2:3])
    return normal, torch.cat([u, v]) + (axis * 5.13 + sign * 2.71)


def _cylinder_normal_and_uv(shape: Cylinder, local: Tensor, around: Tensor) -> tuple[Tensor, Tensor]:
    cap = local[2].abs() >= shape.half_height * (1.0 - 1e-5)
    flat = torch.zeros_like(around)
    up = torch.stack([flat, flat, torch.sign(local[2])])
    side = torch.stack([local[0] / shape.radius, local[1] / shape.radius, flat])
    uv = torch.where(cap, local[:2] + 3.7, torch.stack([around * shape.radius, local[2]]))
    return torch.where(cap, up, side), uv
