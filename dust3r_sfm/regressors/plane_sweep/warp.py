"""Where the pixels of image i fall in image j, for given inverse depths."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import grid_sample

from dust3r_sfm.types import Camera, Rigid

_MIN_DEPTH_RATIO = 1e-3
"""Of z in camera j over z in camera i: a guard against division by zero, and what is nearer to camera j's
plane than that is behind it."""


@dataclass(frozen=True)
class Warp:
    """x_j ~ at_infinity + inverse_depth * epipole, for every pixel of one level of image i.

    Homogeneous, in grid_sample's coordinates of image j ([-1, 1] from edge to edge, z first divided
    out); the third row is z_j / z_i. `px` is half the (width, height) of image j: pixels a unit.
    """

    at_infinity: Float[Tensor, "3 h w"]
    epipole: tuple[float, float, float]
    px: tuple[float, float]

    def depth_ratio(self, inverse_depth: Float[Tensor, "*d #h #w"]) -> Float[Tensor, "*d h w"]:
        """z_j / z_i."""
        return self._shift(2, inverse_depth)

    def _shift(self, row: int, inverse_depth: Float[Tensor, "*d #h #w"]) -> Float[Tensor, "*d h w"]:
        return torch.add(self.at_infinity[row], inverse_depth, alpha=self.epipole[row])

    def locate(
        self, inverse_depth: Float[Tensor, "d #h #w"]
    ) -> tuple[Float[Tensor, "d h w 2"], Bool[Tensor, "d h w"]]:
        """(x, y) of the matches, and whether they lie inside image j and in front of its camera (x and
        y mean nothing elsewhere)."""
        z = self.depth_ratio(inverse_depth).clamp_min_(_MIN_DEPTH_RATIO)
        inside = z > _MIN_DEPTH_RATIO
        scale = z.reciprocal()
        xy = z.new_empty(*z.shape, 2)
        for axis in (0, 1):
            numerator = self._shift(axis, inverse_depth)
            torch.mul(numerator, scale, out=xy[..., axis])
            inside &= numerator.abs_() <= z
        return xy, inside

    def speed(self, inverse_depth: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
        """Pixels of image j that a match moves by for one unit of inverse depth; 0 at the epipole."""
        z = self.depth_ratio(inverse_depth).clamp_min_(_MIN_DEPTH_RATIO)
        motion = []
        for axis in (0, 1):
            match = self._shift(axis, inverse_depth).div_(z)
            motion.append(match.mul_(-self.epipole[2]).add_(self.epipole[axis]).mul_(self.px[axis]))
        return torch.hypot(*motion).div_(z)


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
        tuple((projection @ j_from_i[:3, 3]).tolist()),
        (camera_j.width / 2, camera_j.height / 2),
    )


def sample(
    image_j: Float[Tensor, "*c hj wj"],
    warp: Warp,
    inverse_depth: Float[Tensor, "d #h #w"],
    mode: str = "bilinear",
) -> tuple[Float[Tensor, "d *c h w"], Bool[Tensor, "d h w"]]:
    """Image j seen from image i through surfaces at the given inverse depths, and where that lies in
    front of camera j and inside its image."""
    xy, inside = warp.locate(inverse_depth)
    channels = image_j.shape[:-2]
    source = image_j.reshape(1, -1, *image_j.shape[-2:]).expand(len(xy), -1, -1, -1)
    warped = grid_sample(source, xy, mode=mode, padding_mode="border", align_corners=False)
    return warped.reshape(len(xy), *channels, *xy.shape[1:3]), inside
