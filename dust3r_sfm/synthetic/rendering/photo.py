"""Photos of large or sunlit scenes at a fraction of `render`'s work: one ray a pixel, more only at edges.

Materials blur their own detail to the width of a pixel, so that one ray is enough but where the surface ends.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.parallel import one_torch_thread
from dust3r_sfm.synthetic.rendering.illumination import illuminate
from dust3r_sfm.synthetic.rendering.materials import Glowing
from dust3r_sfm.synthetic.rendering.render import Surface, camera_rays, nearest_hits, render_depth, tiles
from dust3r_sfm.synthetic.rendering.shading import surface_color
from dust3r_sfm.synthetic.rendering.sky import add_haze, sky_color
from dust3r_sfm.synthetic.rendering.vectors import length, rotate
from dust3r_sfm.synthetic.scenes import SceneDescription
from dust3r_sfm.types import Camera, Rigid


@dataclass(frozen=True)
class PhotoConfig:
    """How finely photos are rendered."""

    edge_samples: int = 2
    """Rays along each side of a pixel at edges, where one ray would leave stairs."""
    edge_turn_deg: float = 25.0
    """Neighbouring pixels whose surfaces are turned by more than this have an edge between them: those of
    a box have, and those of a ball of more than a few pixels have not."""
    tile_px: int = 128
    """Side of the squares shaded at once: as many rays as four a pixel are in `render`'s squares."""
    edge_tile_px: int = 320
    """Side of the squares whose edges are: these are few of the pixels."""
    least_slant: float = 0.2
    """A pixel is taken to be wider on slanted surfaces by at most the inverse of this: less blurs far ground
    that a real photo still shows across the view, more lets it shimmer."""


@dataclass(frozen=True)
class LinearPhoto:
    """The light (linear, any exposure) that falls on each pixel, and the exact geometry behind it."""

    light: Float[np.ndarray, "h w 3"]
    surface: Surface


@one_torch_thread()
def render_photo(
    scene: SceneDescription, camera: Camera, cam_from_world: Rigid, config: PhotoConfig = PhotoConfig()
) -> LinearPhoto:
    """What `camera` sees of a scene with any light and sky, before a sensor makes an image of it."""
    surface = render_depth(scene, camera, cam_from_world)
    light = np.zeros((camera.height, camera.width, 3), dtype=np.float32)
    normals = np.zeros_like(light)
    view = _View(scene, camera, torch.from_numpy(invert_rigid(cam_from_world)).to(torch.float32), config)
    for rows, columns in tiles(camera, config.tile_px):
        rays = camera_rays(camera, rows, columns, 1).to(torch.float32)
        depth = torch.from_numpy(surface.depth[rows, columns]).reshape(-1).to(torch.float32)
        ids = torch.from_numpy(surface.object_id[rows, columns]).reshape(-1)
        color, normal = _shade(view, rays, depth, ids)
        shape = (rows.stop - rows.start, columns.stop - columns.start, 3)
        light[rows, columns] = color.T.reshape(shape).numpy()
        normals[rows, columns] = normal.T.reshape(shape).numpy()
    edges = _edges(surface.object_id, normals, config)
    for rows, columns in tiles(camera, config.edge_tile_px):
        _resample(view, light, edges, rows, columns)
    return LinearPhoto(light, surface)


@dataclass(frozen=True)
class _View:
    scene: SceneDescription
    camera: Camera
    world_from_cam: Float[Tensor, "4 4"]
    config: PhotoConfig

    @property
    def pixel_angle(self) -> float:
        return 1.0 / max(self.camera.fx, self.camera.fy)


def _shade(
    view: _View, rays: Float[Tensor, "3 n"], depth: Float[Tensor, " n"], ids: Int[Tensor, " n"]
) -> tuple[Float[Tensor, "3 n"], Float[Tensor, "3 n"]]:
    """Light and normals of rays of the camera's frame that hit primitive `ids` at z = `depth`."""
    scene, origin = view.scene, view.world_from_cam[:3, 3]
    directions = rotate(view.world_from_cam[:3, :3], rays)
    points, color, normals = surface_color(
        scene, origin, directions, depth, ids, view.pixel_angle, view.config.least_slant
    )
    hit = (ids >= 0).nonzero()[:, 0]
    if len(hit):
        lit = illuminate(scene, points[:, hit], normals[:, hit])
        glowing = torch.tensor([isinstance(shape.material, Glowing) for shape in scene.primitives])
        color[:, hit] *= torch.where(glowing[ids[hit]], 1.0, lit)
    if scene.sky is None:
        return color, normals
    color = add_haze(scene.sky, color, depth * length(rays))
    missed = (ids < 0).nonzero()[:, 0]
    if len(missed):
        color[:, missed] = sky_color(scene.sky, directions[:, missed], view.pixel_angle)
    return color, normals


def _edges(
    ids: Int[np.ndarray, "h w"], normals: Float[np.ndarray, "h w 3"], config: PhotoConfig
) -> Bool[np.ndarray, "h w"]:
    """Pixels that differ in surface from a neighbour, above, below or beside."""
    out = np.zeros(ids.shape, dtype=bool)
    least = np.cos(np.radians(config.edge_turn_deg))
    for first, second in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        turned = (normals[first] * normals[second]).sum(axis=-1) < least
        differ = (ids[first] != ids[second]) | (turned & (ids[first] >= 0))
        out[first] |= differ
        out[second] |= differ
    return out


def _resample(
    view: _View,
    light: Float[np.ndarray, "h w 3"],
    edges: Bool[np.ndarray, "h w"],
    rows: slice,
    columns: slice,
) -> None:
    """Give the edge pixels of a tile the mean of several rays."""
    chosen = torch.from_numpy(edges[rows, columns].copy()).reshape(-1).nonzero()[:, 0]
    if not len(chosen):
        return
    samples = view.config.edge_samples
    rays = camera_rays(view.camera, rows, columns, samples).to(torch.float32)
    rays = rays.view(3, samples**2, -1)[:, :, chosen].reshape(3, -1)
    origin, rotation = view.world_from_cam[:3, 3], view.world_from_cam[:3, :3]
    depth, ids = nearest_hits(view.scene.primitives, origin, rotate(rotation, rays))
    color, _ = _shade(view, rays, torch.where(ids >= 0, depth, 0.0), ids)
    part = light[rows, columns].reshape(-1, 3)
    part[chosen.numpy()] = color.view(3, samples**2, -1).mean(dim=1).T.numpy()
    light[rows, columns] = part.reshape(light[rows, columns].shape)
