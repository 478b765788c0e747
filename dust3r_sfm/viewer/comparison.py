"""A second result moved onto the first, by the photos that both have."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.viewer.scene import ViewedComponent


def similarity_by_photos(
    first: ViewedComponent, second: ViewedComponent, what: str, arm: float = 0.1
) -> Float[np.ndarray, "4 4"]:
    """first_from_second, from the centres of cameras of the same name and, weakly, the way they look (ends of
    `arm`s along it, in mean distances of the centres from their middle): how they are rolled is left out, as
    photos that EXIF turns are upright in one result and lie in another. Raises InputError where two do not
    share two photos."""
    rows = {photo.name: row for row, photo in enumerate(first.photos)}
    shared = [(rows[photo.name], row) for row, photo in enumerate(second.photos) if photo.name in rows]
    if len(shared) < 2:
        raise InputError(
            f"{what}: has {len(shared)} photo names in common with the first result, and 2 are needed to lay "
            "one over the other; compare results of the same photos"
        )
    ours, theirs = np.array(shared).T
    moved, kept = (
        _marks(poses, arm) for poses in (second.cam_from_world[theirs], first.cam_from_world[ours])
    )
    return umeyama(moved, kept, np.ones(len(kept)))


def _marks(cam_from_world: Float[np.ndarray, "n 4 4"], arm: float) -> Float[np.ndarray, "m 3"]:
    world_from_cam = invert_rigid(cam_from_world)
    centres = world_from_cam[:, :3, 3]
    spread = float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).mean())
    return np.concatenate([centres, centres + arm * spread * world_from_cam[:, :3, 2]])
