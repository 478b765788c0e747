"""Registration of corresponding 3D points by a similarity transform.

Closed form: S. Umeyama, "Least-squares estimation of transformation parameters between two point
patterns", PAMI 1991, here with weights.
"""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.transforms import invert_rigid, rigid, transform_points


def umeyama(
    points_a: Float[np.ndarray, "n 3"],
    points_b: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "4 4"]:
    """b_from_a, [sR t; 0 1], minimising the sum of w |b - s R a - t|^2.

    Computed about the centroids, so that far-away coordinates cost no precision. Points on one
    line leave the turn about it free: some minimiser is returned.
    """
    share = weights / weights.sum()
    centre_a, centre_b = share @ points_a, share @ points_b
    centred_a, centred_b = points_a - centre_a, points_b - centre_b
    u, singular, vt = np.linalg.svd((share[:, None] * centred_b).T @ centred_a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    spread = share @ (centred_a**2).sum(axis=1)
    scale = float(singular @ signs / spread) if spread > 0 else 1.0
    return rigid(scale * rotation, centre_b - scale * rotation @ centre_a)


def similarity_of_poses(
    world_from_cam_a: Float[np.ndarray, "n 4 4"],
    world_from_cam_b: Float[np.ndarray, "n 4 4"],
    arm: float = 0.1,
) -> Float[np.ndarray, "4 4"]:
    """b_from_a of two worlds that the same cameras stand in, from their centres and, weakly, where they look
    (ends of `arm`s along their axes, in mean distances of the centres from their middle): so two cameras
    suffice. One leaves the size as it is, and so do cameras that all stand in one place."""
    worlds = (world_from_cam_a, world_from_cam_b)
    centres = [world[:, :3, 3] for world in worlds]
    spreads = [float(np.linalg.norm(c - c.mean(axis=0), axis=1).mean()) for c in centres]
    if min(spreads) == 0.0:
        return world_from_cam_b[0] @ np.linalg.inv(world_from_cam_a[0])
    arms = [
        np.concatenate([centre, *(centre + arm * spread * world[:, :3, axis] for axis in range(3))])
        for world, centre, spread in zip(worlds, centres, spreads, strict=True)
    ]
    return umeyama(arms[0], arms[1], np.ones(len(arms[0])))


def move_poses(
    cam_from_world: Float[np.ndarray, "n 4 4"], similarity: Float[np.ndarray, "4 4"]
) -> tuple[Float[np.ndarray, "n 4 4"], float]:
    """cam_from_world after the world was moved by a similarity [sR t; 0 1], and log s: cameras keep the unit
    of their new world, so depths grow by s."""
    scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
    centres = transform_points(similarity, invert_rigid(cam_from_world)[:, :3, 3])
    rotation = cam_from_world[:, :3, :3] @ (similarity[:3, :3] / scale).T
    return rigid(rotation, -(rotation @ centres[..., None])[..., 0]), float(np.log(scale))
