"""Ray casting: exact depth at pixel centres in float64, supersampled colour in float32."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.synthetic.materials import albedo
from dust3r_sfm.synthetic.primitives import intersect, normal_and_uv
from dust3r_sfm.synthetic.scenes import SceneDescription
from dust3r_sfm.types import Camera, Rigid

CHUNK = 1 << 15
"""Rays handled at once: what keeps the intermediate arrays in the processor's cache."""


@dataclass(frozen=True)
class Surface:
    """What each pixel centre sees. `depth` is z in the camera's frame, `points` lie in that frame,
    `object_id` counts in `scene.primitives`; 0, 0 and -1 where the ray hits nothing."""

    depth: Float[np.ndarray, "h w"]
    points: Float[np.ndarray, "h w 3"]
    object_id: Int[np.ndarray, "h w"]


@dataclass(frozen=True)
class Rendering:
    """A photo and the exact geometry behind its pixel centres, as in `Surface`."""

    image: UInt8[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h w"]
    points: Float[np.ndarray, "h w 3"]
    object_id: Int[np.ndarray, "h w"]


def render_depth(
    scene: SceneDescription, camera: Camera, cam_from_world: Rigid, device: torch.device | None = None
) -> Surface:
    """The geometry alone: one float64 ray through each pixel centre (at +0.5), closed-form hits."""
    rays = _rays(camera, 0.5, 0.5, torch.float64, device)
    world_from_cam = torch.from_numpy(invert_rigid(cam_from_world)).to(rays)
    parts = [_nearest(scene, world_from_cam, chunk) for chunk in rays.split(CHUNK)]
    t, ids = (torch.cat(column) for column in zip(*parts, strict=True))
    # rays have z = 1 in the camera's frame, so that t is the depth itself
    depth = torch.where(ids >= 0, t, 0.0)
    shape = (camera.height, camera.width)
    points = (rays * depth[:, None]).view(*shape, 3)
    return Surface(depth.view(shape).cpu().numpy(), points.cpu().numpy(), ids.view(shape).cpu().numpy())


def render(
    scene: SceneDescription,
    camera: Camera,
    cam_from_world: Rigid,
    samples: int = 2,
    device: torch.device | None = None,
) -> Rendering:
    """A photo of samples x samples colour rays a pixel, and the exact geometry of `render_depth`.

    Surfaces are Lambertian, lit by a lamp with soft shadows: a point looks the same from everywhere.
    """
    surface = render_depth(scene, camera, cam_from_world, device)
    total = torch.zeros(camera.height * camera.width, 3, device=device)
    for index in range(samples * samples):
        row, column = divmod(index, samples)
        rays = _rays(camera, (column + 0.5) / samples, (row + 0.5) / samples, torch.float32, device)
        world_from_cam = torch.from_numpy(invert_rigid(cam_from_world)).to(rays)
        light = _lamp(scene, index, samples * samples, rays)
        pixel = 1.0 / max(camera.fx, camera.fy)
        total += torch.cat([_shade(scene, world_from_cam, r, pixel, light) for r in rays.split(CHUNK)])
    display = (total / samples**2).clamp(0.0, 1.0) ** (1.0 / 2.2)
    image = (display * 255.0 + 0.5).to(torch.uint8).view(camera.height, camera.width, 3).cpu().numpy()
    return Rendering(image, surface.depth, surface.points, surface.object_id)


def _rays(
    camera: Camera, dx: float, dy: float, dtype: torch.dtype, device: torch.device | None
) -> Float[Tensor, "n 3"]:
    """Camera-frame directions with z = 1 through (dx, dy) in [0, 1]^2 of every pixel, row by row."""
    x = (torch.arange(camera.width, dtype=torch.float64) + dx - camera.cx) / camera.fx
    y = (torch.arange(camera.height, dtype=torch.float64) + dy - camera.cy) / camera.fy
    y_grid, x_grid = torch.meshgrid(y, x, indexing="ij")
    rays = torch.stack([x_grid, y_grid, torch.ones_like(x_grid)], dim=-1)
    return rays.view(-1, 3).to(device=device, dtype=dtype)


def _nearest(
    scene: SceneDescription, world_from_cam: Float[Tensor, "4 4"], rays: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """Depth of the first hit (inf: none) and the index of the primitive hit (-1: none)."""
    nearest = torch.full_like(rays[:, 0], torch.inf)
    ids = torch.full_like(nearest, -1, dtype=torch.int64)
    for index, shape in enumerate(scene.primitives):
        local_from_cam = torch.from_numpy(invert_rigid(shape.world_from_local)).to(rays) @ world_from_cam
        t = intersect(shape, local_from_cam[None, :3, 3], rays @ local_from_cam[:3, :3].T)
        closer = t < nearest
        nearest = torch.where(closer, t, nearest)
        ids.masked_fill_(closer, index)
    return nearest, ids


def _lamp(scene: SceneDescription, index: int, count: int, like: Tensor) -> Float[Tensor, "3"]:
    """A place on the lamp's disc, another for each sample: that is what softens shadows."""
    angle, radius = 2.399963 * index, 0.16 * ((index + 0.5) / count) ** 0.5
    x, y, z = scene.light
    return like.new_tensor([x + radius * np.cos(angle), y + radius * np.sin(angle), z])


def _shade(
    scene: SceneDescription,
    world_from_cam: Float[Tensor, "4 4"],
    rays: Float[Tensor, "n 3"],
    pixel: float,
    light: Float[Tensor, "3"],
) -> Float[Tensor, "n 3"]:
    """Linear colour along rays; black where nothing is hit."""
    depth, ids = _nearest(scene, world_from_cam, rays)
    directions = rays @ world_from_cam[:3, :3].T
    points = world_from_cam[:3, 3] + directions * depth[:, None]
    color, normals = torch.zeros_like(rays), torch.zeros_like(rays)
    for index in ids.unique().tolist():
        if index < 0:
            continue
        shape, chosen = scene.primitives[index], (ids == index).nonzero()[:, 0]
        world_from_local = torch.from_numpy(shape.world_from_local).to(rays)
        local = (points[chosen] - world_from_local[:3, 3]) @ world_from_local[:3, :3]
        normal, uv = normal_and_uv(shape, local)
        normal = normal @ world_from_local[:3, :3].T
        view = directions[chosen]
        slant = (normal * view).sum(-1).abs() / view.norm(dim=-1)
        color[chosen] = albedo(shape.material, local, uv, pixel * depth[chosen] / slant.clamp_min(0.2))
        normals[chosen] = torch.where((normal * view).sum(-1, keepdim=True) > 0, -normal, normal)
    return color * torch.where(ids >= 0, _light(scene, points, normals, light), 0.0)[:, None]


def _light(
    scene: SceneDescription,
    points: Float[Tensor, "n 3"],
    normals: Float[Tensor, "n 3"],
    light: Float[Tensor, "3"],
) -> Float[Tensor, " n"]:
    """Sky-like ambient light, and the lamp's by Lambert's law where nothing stands in between."""
    to_light = light - points
    distance = to_light.norm(dim=-1)
    cosine = ((normals * to_light).sum(-1) / distance).clamp_min(0.0)
    lit = torch.ones_like(distance, dtype=torch.bool)
    start = points + 2e-3 * normals
    for shape in scene.primitives:
        local_from_world = torch.from_numpy(invert_rigid(shape.world_from_local)).to(points)
        origin = start @ local_from_world[:3, :3].T + local_from_world[:3, 3]
        lit &= intersect(shape, origin, to_light @ local_from_world[:3, :3].T) > 0.995
    ambient = 0.32 + 0.10 * normals[:, 2]
    return ambient + torch.where(lit, 3.6 * cosine / (1.2 + 0.35 * distance**2), 0.0)
