"""Ray casting: exact depth at pixel centres in float64, supersampled colour in float32."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from dust3r_sfm.geometry import invert_rigid, unproject
from dust3r_sfm.parallel import one_torch_thread
from dust3r_sfm.synthetic.rendering.primitives import (
    Primitive,
    directions_to_local,
    intersect,
    to_local,
    within_cone,
)
from dust3r_sfm.synthetic.rendering.shading import shade
from dust3r_sfm.synthetic.rendering.vectors import length, rotate
from dust3r_sfm.synthetic.scenes import SceneDescription
from dust3r_sfm.types import Camera, Rigid

TILE = 64
"""Side in pixels of the squares rendered at once: they fit the cache, and most objects miss them."""


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


@one_torch_thread()
def render_depth(
    scene: SceneDescription, camera: Camera, cam_from_world: Rigid, device: torch.device | None = None
) -> Surface:
    """The geometry alone: one float64 ray through each pixel centre (at +0.5), closed-form hits."""
    depth = np.zeros((camera.height, camera.width))
    points = np.zeros((camera.height, camera.width, 3))
    object_id = np.full((camera.height, camera.width), -1)
    world_from_cam = torch.from_numpy(invert_rigid(cam_from_world)).to(device)
    for rows, columns in tiles(camera):
        rays = camera_rays(camera, rows, columns, 1).to(world_from_cam)
        t, ids = nearest_hits(scene.primitives, world_from_cam[:3, 3], rotate(world_from_cam[:3, :3], rays))
        # rays have z = 1 in the camera's frame, so that t is the depth itself
        t = torch.where(ids >= 0, t, 0.0)
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        depth[rows, columns] = t.view(shape).cpu().numpy()
        points[rows, columns] = (rays * t).T.view(*shape, 3).cpu().numpy()
        object_id[rows, columns] = ids.view(shape).cpu().numpy()
    return Surface(depth, points, object_id)


@one_torch_thread()
def render(
    scene: SceneDescription,
    camera: Camera,
    cam_from_world: Rigid,
    samples: int = 2,
    device: torch.device | None = None,
) -> Rendering:
    """A photo of samples x samples colour rays a pixel, and the exact geometry of `render_depth`.

    Surfaces are Lambertian, lit by a lamp with soft shadows: a point looks the same from everywhere.
    `photo.render_photo` takes other lights too, and is quicker.
    """
    surface = render_depth(scene, camera, cam_from_world, device)
    image = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
    world_from_cam = torch.from_numpy(invert_rigid(cam_from_world)).to(device, torch.float32)
    pixel_angle = 1.0 / max(camera.fx, camera.fy)
    for rows, columns in tiles(camera):
        directions = rotate(
            world_from_cam[:3, :3], camera_rays(camera, rows, columns, samples).to(world_from_cam)
        )
        depth, ids = nearest_hits(scene.primitives, world_from_cam[:3, 3], directions)
        color = shade(scene, world_from_cam[:3, 3], directions, depth, ids, pixel_angle, samples**2)
        shape = (3, samples**2, rows.stop - rows.start, columns.stop - columns.start)
        display = color.view(shape).mean(dim=1).clamp(0.0, 1.0) ** (1.0 / 2.2)
        image[rows, columns] = (display * 255.0 + 0.5).permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    return Rendering(image, surface.depth, surface.points, surface.object_id)


def tiles(camera: Camera, side: int = TILE) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the squares that are rendered at once."""
    for y in range(0, camera.height, side):
        for x in range(0, camera.width, side):
            yield slice(y, min(y + side, camera.height)), slice(x, min(x + side, camera.width))


def camera_rays(camera: Camera, rows: slice, columns: slice, samples: int) -> Float[Tensor, "3 n"]:
    """Camera-frame directions with z = 1 through a tile: for each of the samples x samples places
    in a pixel all of the tile's pixels, row by row. Through any lens; a pixel without a ray looks ahead."""
    place = (torch.arange(samples, dtype=torch.float64) + 0.5) / samples
    x = torch.arange(columns.start, columns.stop) + place[None, :, None, None]
    y = torch.arange(rows.start, rows.stop)[:, None] + place[:, None, None, None]
    if not camera.is_pinhole:
        pixels = torch.stack(torch.broadcast_tensors(x, y), dim=-1).view(-1, 2).numpy()
        rays = unproject(pixels, np.ones(len(pixels)), camera)
        return torch.from_numpy(np.where(np.isfinite(rays), rays, [0.0, 0.0, 1.0])).T
    x, y = torch.broadcast_tensors((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy)
    return torch.stack([x, y, torch.ones_like(x)]).view(3, -1)


def nearest_hits(
    primitives: tuple[Primitive, ...], origin: Float[Tensor, "3"], directions: Float[Tensor, "3 n"]
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """t of the first hit (inf: none) and the index of the primitive hit (-1: none); rays in the world."""
    nearest = torch.full_like(directions[0], torch.inf)
    ids = torch.full_like(nearest, -1, dtype=torch.int64)
    longest = length(directions).max().item()
    for start, index in _by_start(primitives, within_cone(primitives, origin, directions), origin):
        if start > longest * nearest.max().item():
            break
        shape = primitives[index]
        t = intersect(shape, to_local(shape, origin[:, None]), directions_to_local(shape, directions))
        # where surfaces lie in one another, the first of the scene is seen, as if all had come in order
        closer = (t < nearest) | ((t == nearest) & (index < ids))
        nearest = torch.where(closer, t, nearest)
        ids.masked_fill_(closer, index)
    return nearest, ids


def _by_start(
    primitives: tuple[Primitive, ...], indices: list[int], origin: Float[Tensor, "3"]
) -> list[tuple[float, int]]:
    """How far from `origin` each shape's bounding ball begins, and its index, nearest first."""
    at = origin.cpu().numpy()
    return sorted(
        (float(np.linalg.norm(primitives[i].world_from_local[:3, 3] - at)) - primitives[i].reach, i)
        for i in indices
    )
