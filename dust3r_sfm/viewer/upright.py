"""The page's frame: z up, the middle at 0, the same size for every scene."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.transforms import tangents

_INSIDE = 90
"""Per cent of the points that lie within the scene's radius."""


def up_of(cam_from_world: Float[np.ndarray, "c 4 4"]) -> Float[np.ndarray, "3"]:
    """What is up in most photos, in the world: people hold cameras level."""
    axes = cam_from_world[:, :3, :3]
    return _unit(-axes[:, 1].sum(axis=0), -axes[0, 1])


def shown_from_world(
    cam_from_world: Float[np.ndarray, "c 4 4"],
    xyz: Float[np.ndarray, "n 3"],
    radius: float,
    known_up: tuple[float, float, float] | None = None,
) -> Float[np.ndarray, "4 4"]:
    """A similarity: z up (`known_up`, else what is up in most photos), y the way that most photos look, and
    most points and cameras within `radius`."""
    axes = cam_from_world[:, :3, :3]
    up = up_of(cam_from_world) if known_up is None else np.array(known_up)
    # Cameras that look straight down have no front.
    right = _unit(np.cross(axes[:, 2].sum(axis=0), up), tangents(up)[0])
    rotation = np.stack([right, np.cross(up, right), up])
    centres = invert_rigid(cam_from_world)[:, :3, 3]
    middle = np.median(xyz if len(xyz) else centres, axis=0)
    # Not the farthest camera's distance: a single one from far away would make all else small.
    size = float(np.median(np.linalg.norm(centres - middle, axis=1)))
    if len(xyz):
        size = max(size, float(np.percentile(np.linalg.norm(xyz - middle, axis=1), _INSIDE)))
    scale = radius / size if size > 0 else 1.0
    shown = np.eye(4)
    shown[:3, :3] = scale * rotation
    shown[:3, 3] = -scale * rotation @ middle
    return shown


def scale_of(similarity: Float[np.ndarray, "4 4"]) -> float:
    """How long a unit is after it."""
    return float(np.cbrt(np.linalg.det(similarity[:3, :3])))


def shown_pose(
    similarity: Float[np.ndarray, "4 4"], cam_from_world: Float[np.ndarray, "4 4"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """The camera's axes as columns, and its centre, after the world was moved."""
    world_from_cam = invert_rigid(cam_from_world)
    rotation = similarity[:3, :3] / scale_of(similarity) @ world_from_cam[:3, :3]
    return rotation, similarity[:3, :3] @ world_from_cam[:3, 3] + similarity[:3, 3]


def _unit(vector: Float[np.ndarray, "3"], otherwise: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Of length 1; the other one where this is next to nothing, as of cameras all around."""
    for candidate in (vector, otherwise):
        length = np.linalg.norm(candidate)
        if length > 1e-6:
            return candidate / length
    return np.array([1.0, 0.0, 0.0])
