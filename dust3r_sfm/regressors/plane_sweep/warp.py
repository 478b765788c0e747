"""Where the pixels of image i fall in image j, for given inverse depths."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample

from dust3r_sfm.types import Camera, Rigid

_MIN_DEPTH_RATIO = 1e-3


@dataclass(frozen=True)
class Warp:
    """x_j ~ at_infinity + inverse_depth * epipole, for every pixel of one level of image i.

    Homogeneous, in grid_sample's coordinates of image j ([-1, 1] from edge to edge, z first divided
    out); the third row is z_j / z_i. `px` is half the (width, height) of image j: pixels a unit.
    """

    at_infinity: Float[Tensor, "3 h w"]
    epipole: Float[Tensor, "3"]
    px: tuple[float, float]

    def coordinates(
        self, inverse_depth: Float[Tensor, "d #h #w"]
    ) -> tuple[Float[Tensor, "d h w"], Float[Tensor, "d h w"], Float[Tensor, "d h w"]]:
        """(x, y, z_j / z_i); x and y mean something where the last is positive."""
        z = self.at_infinity[2] + inverse_depth * self.epipole[2]
        scale = z.clamp_min(_MIN_DEPTH_RATIO).reciprocal()
        x = (self.at_infinity[0] + inverse_depth * self.epipole[0]).mul_(scale)
        y = (self.at_infinity[1] + inverse_depth * self.epipole[1]).mul_(scale)
        return x, y, z

    def speed(self, inverse_depth: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """Pixels of image j that a match moves by for one unit of inverse depth; 0 at the epipole."""
        x, y, z = (c[0] for c in self.coordinates(inverse_depth[None]))
        dx = (self.epipole[0] - x * self.epipole[2]) * self.px[0]
        dy = (self.epipole[1] - y * self.epipole[2]) * self.px[1]
        return torch.hypot(dx, dy) / z.clamp_min(_MIN_DEPTH_RATIO)


def make_warp(
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Rigid,
    scale: int,
    device: torch.device,
) -> Warp:
    """The warp for image i at 1 / scale of its size (rounded up), into image j at any size."""
    height, width = -(-camera_i.height // scale), -(-camera_i.width // scale)
    unit_from_px = np.array([[2 / camera_j.width, 0, -1], [0, 2 / camera_j.height, -1], [0, 0, 1]])
    projection = unit_from_px @ camera_j.matrix
    homography = projection @ j_from_i[:3, :3] @ np.linalg.inv(camera_i.matrix) @ np.diag([scale, scale, 1.0])
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    at_infinity = np.einsum("rc,chw->rhw", homography, np.stack([x, y, np.ones_like(x)]))
    return Warp(
        torch.as_tensor(at_infinity, dtype=torch.float32, device=device),
        torch.as_tensor(projection @ j_from_i[:3, 3], dtype=torch.float32, device=device),
        (camera_j.width / 2, camera_j.height / 2),
    )


def sample(
    image_j: Float[Tensor, "hj wj"],
    warp: Warp,
    inverse_depth: Float[Tensor, "d #h #w"],
    mode: str = "bilinear",
) -> tuple[Float[Tensor, "d h w"], Bool[Tensor, "d h w"]]:
    """Image j seen from image i through surfaces at the given inverse depths, and where that lies in
    front of camera j and inside its image."""
    x, y, z = warp.coordinates(inverse_depth)
    inside = (z > _MIN_DEPTH_RATIO) & (torch.maximum(x.abs(), y.abs()) <= 1)
    source = image_j.expand(len(x), 1, *image_j.shape)
    warped = grid_sample(
        source, torch.stack([x, y], dim=-1), mode=mode, padding_mode="border", align_corners=False
    )
    return warped[:, 0], inside
