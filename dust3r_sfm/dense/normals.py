"""Surface normals out of depth maps."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import pixel_grid, unproject
from dust3r_sfm.types import Camera


def depth_normals(
    depth: Float[np.ndarray, "h w"], camera: Camera, max_step: float = 0.1
) -> Float[np.ndarray, "h w 3"]:
    """Unit normals in the camera's frame, towards the camera; 0 where depth is 0 or stands alone. A neighbour
    nearer or farther by more than `max_step`, a share of the depth, is on another surface.

    The cross product of the differences to a neighbour in the row and one in the column: of the two on
    either side the one nearer in depth, so that normals stay on their side of a step.
    """
    local = unproject(pixel_grid(*depth.shape), depth.astype(np.float64), camera)
    points = np.moveaxis(local, -1, 0).copy()
    across, down = (_nearer_difference(points, axis, max_step) for axis in (2, 1))
    normals = np.stack([down[b] * across[c] - down[c] * across[b] for b, c in ((1, 2), (2, 0), (0, 1))])
    length = np.sqrt((normals * normals).sum(axis=0))
    towards = np.where((normals * points).sum(axis=0) > 0, -1.0, 1.0)
    normals *= towards / np.where(length > 0, length, 1.0)
    return np.moveaxis(normals, 0, -1)


def _nearer_difference(
    points: Float[np.ndarray, "3 h w"], axis: int, max_step: float
) -> Float[np.ndarray, "3 h w"]:
    """Point ahead minus point, or point minus point behind, whichever changes depth less; 0 for neither."""
    along = np.moveaxis(points, axis, 1)
    between = along[:, 1:] - along[:, :-1]
    depth, jump = along[2], np.abs(between[2])
    usable = (depth[1:] > 0) & (depth[:-1] > 0) & (jump < max_step * depth[1:])
    jump = np.where(usable, jump, np.inf)
    none = np.full((1, jump.shape[1]), np.inf)
    ahead, behind = np.concatenate([jump, none]), np.concatenate([none, jump])
    found = np.zeros(along.shape)
    found[:, :-1] = np.where(((ahead <= behind) & np.isfinite(ahead))[:-1], between, 0.0)
    found[:, 1:] += np.where((behind < ahead)[1:], between, 0.0)
    return np.moveaxis(found, 1, axis)
