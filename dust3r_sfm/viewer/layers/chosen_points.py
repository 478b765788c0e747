"""Which points of a cloud are shown, and in which colours."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt8

from dust3r_sfm.types import Rigid
from dust3r_sfm.viewer.layers.colors import spread_colors, trust_colors
from dust3r_sfm.viewer.scene import ViewedPoints

Shading = Literal["photos", "depth", "confidence"]


@dataclass(frozen=True)
class PointChoice:
    """What the panel says of points."""

    threshold: float
    """Least confidence."""
    hidden: frozenset[int]
    """Photos that are not shown: a point goes with the last photo that sees it."""
    budget: int
    """Most points."""
    shading: Shading
    """Where colours are from."""
    depth_photo: int
    """Whose depth it is."""


def choose_points(points: ViewedPoints, choice: PointChoice) -> Int[np.ndarray, " k"]:
    """Rows. As points are in random order, a budget keeps an even share of all."""
    keep = points.confidence >= choice.threshold
    if choice.hidden:
        keep &= ~_seen_by_hidden_alone(points, choice.hidden)
    return np.flatnonzero(keep)[: choice.budget]


def _seen_by_hidden_alone(points: ViewedPoints, hidden: frozenset[int]) -> np.ndarray:
    """Points that no photo is known to see stay."""
    counts = np.diff(points.seen_from)
    of = np.repeat(np.arange(len(points)), counts)
    shows = ~np.isin(points.seen_by, list(hidden))
    return (np.bincount(of, weights=shows, minlength=len(points)) == 0) & (counts > 0)


def color_points(
    points: ViewedPoints, rows: Int[np.ndarray, " k"], shading: Shading, cam_from_world: Rigid
) -> UInt8[np.ndarray, "k 3"]:
    """`cam_from_world`: of the camera that depth is seen from."""
    if shading == "photos":
        return points.rgb[rows]
    if shading == "confidence":
        return trust_colors(points.confidence[rows].astype(np.float64))
    return spread_colors(_depth(points.xyz[rows], cam_from_world))


def _depth(xyz: Float[np.ndarray, "k 3"], cam_from_world: Rigid) -> Float[np.ndarray, " k"]:
    return xyz @ cam_from_world[2, :3] + cam_from_world[2, 3]
