"""The point that a click means."""

import numpy as np
from jaxtyping import Float


def pick_point(
    xyz: Float[np.ndarray, "n 3"],
    origin: Float[np.ndarray, "3"],
    direction: Float[np.ndarray, "3"],
    within: float,
    front: float,
) -> int | None:
    """Of the points that are seen within `within` (a tangent) of the ray, the one next to it among the
    nearest; None where there is none."""
    away = xyz - origin
    along = away @ (direction / np.linalg.norm(direction))
    aside = np.sqrt(np.maximum((away * away).sum(axis=1) - along * along, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        tangent = np.where(along > 0, aside / along, np.inf)
    near = np.flatnonzero(tangent <= within)
    if not len(near):
        return None
    nearest = near[along[near] <= along[near].min() * (1 + front)]
    return int(nearest[np.argmin(tangent[nearest])])
