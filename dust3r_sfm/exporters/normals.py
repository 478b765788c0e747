"""Surface normals out of depth maps."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import pixel_grid, unproject
from dust3r_sfm.types import Camera

_STEP = 0.1
"""A neighbour nearer or farther by this share of the depth is on another surface."""


def depth_normals(depth: Float[np.ndarray, "h w"], camera: Camera) -> Float[np.ndarray, "h w 3"]:
    """Unit normals in the camera's frame, towards the camera; 0 where depth is 0 or stands alone.

    The cross product of the differences to a neighbour in the row and one in the column: of the two on
    either side the one nearer in depth, so that normals stay on their side of a step.
    """
    points = unproject(pixel_grid(*depth.shape), depth.astype(np.float64), camera)
    across, down = _nearer_difference(points, 1), _nearer_difference(points, 0)
    normals = np.cross(down, across)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.where(length > 0, normals / np.where(length > 0, length, 1.0), 0.0)
    away = (normals * points).sum(axis=-1, keepdims=True) > 0
    return np.where(away, -normals, normals)


def _nearer_difference(points: Float[np.ndarray, "h w 3"], axis: int) -> Float[np.ndarray, "h w 3"]:
    """Point ahead minus point, or point minus point behind, whichever changes depth less; 0 for neither."""
    between = np.diff(points, axis=axis)
    depth = np.moveaxis(points[..., 2], axis, 0)
    jump = np.abs(np.diff(depth, axis=0))
    usable = (depth[1:] > 0) & (depth[:-1] > 0) & (jump < _STEP * depth[1:])
    jump = np.moveaxis(np.where(usable, jump, np.inf), 0, axis)
    pad = [(0, 0), (0, 0)]
    ahead_pad, behind_pad = list(pad), list(pad)
    ahead_pad[axis], behind_pad[axis] = (0, 1), (1, 0)
    ahead = np.pad(jump, ahead_pad, constant_values=np.inf)
    behind = np.pad(jump, behind_pad, constant_values=np.inf)
    forward = np.pad(between, [*ahead_pad, (0, 0)])
    backward = np.pad(between, [*behind_pad, (0, 0)])
    chosen = np.where((ahead <= behind)[..., None], forward, backward)
    return np.where(np.isfinite(np.minimum(ahead, behind))[..., None], chosen, 0.0)
