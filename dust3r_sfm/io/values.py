"""Values out of files, one rule for each kind: what passes here is a number, a rotation or a size that
every later stage can take. All raise ValueError with the value in words; who opened the file says which."""

import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry import rigid
from dust3r_sfm.types import Rigid

FARTHEST = 1e12
"""Largest coordinate: a thousand times the Earth in millimetres, and its square is far from overflowing."""
LONGEST_SIDE = 1_000_000
"""Pixels of a picture's side: ten times what any format of photos holds."""
QUATERNION_NORMS = (1e-3, 1e3)
"""COLMAP makes quaternions unit ones as it reads; outside of this it is no rounding, but another column."""
MOST_SKEWED = 1e-2
"""Largest entry of R^T R - I that rounding in a text file explains."""
EXACT = 1e-12
"""The same of a rotation that was computed in doubles."""
_SHOWN = 60


def quoted(text: str) -> str:
    """For a message: cut short, and with control characters escaped."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def finite_number(word: object) -> float:
    """A number that is neither nan nor infinite, out of text or JSON."""
    if isinstance(word, bool) or not isinstance(word, str | int | float):
        raise ValueError(f"{quoted(str(word))} is no number")
    try:
        number = float(word)
    except (ValueError, OverflowError):
        raise ValueError(f"{quoted(str(word))} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{quoted(str(word))} is not finite")
    return number


def coordinates(words: Iterable[object]) -> Float[np.ndarray, "3"]:
    """x, y and z of a place."""
    place = np.array([finite_number(word) for word in words])
    if place.shape != (3,):
        raise ValueError(f"{len(place)} coordinates in place of 3")
    if np.abs(place).max() > FARTHEST:
        raise ValueError(f"coordinates {place.tolist()} beyond {FARTHEST:g}")
    return place


def rotation_from_quaternion(words: Iterable[object]) -> Float[np.ndarray, "3 3"]:
    """Of COLMAP's order w, x, y, z, made a unit quaternion as COLMAP does."""
    quaternion = np.array([finite_number(word) for word in words])
    if quaternion.shape != (4,):
        raise ValueError(f"a quaternion of {len(quaternion)} numbers in place of 4")
    least, most = QUATERNION_NORMS
    if not least <= np.abs(quaternion).max() <= most:
        raise ValueError(f"quaternion {quaternion.tolist()} tells no rotation")
    w, *xyz = quaternion / np.linalg.norm(quaternion)
    return np.asarray(Rotation.from_quat([*xyz, w]).as_matrix())


def pose_from_words(words: Iterable[object]) -> Rigid:
    """cam_from_world of qw qx qy qz tx ty tz, as COLMAP and lists of poses have it."""
    values = list(words)
    if len(values) != 7:
        raise ValueError(f"a pose of {len(values)} numbers in place of 7")
    return rigid(rotation_from_quaternion(values[:4]), coordinates(values[4:]))


def rigid_from_matrix(matrix: Float[np.ndarray, "4 4"]) -> Rigid:
    """The nearest rigid transform; the matrix as it is where that is one to the precision of doubles. Raises
    ValueError unless it is one but for rounding."""
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > FARTHEST:
        raise ValueError("a matrix with entries that are not finite, or far too large")
    linear = matrix[:3, :3]
    if np.linalg.det(linear) < 0:
        raise ValueError("a matrix that mirrors")
    skew = np.abs(linear.T @ linear - np.eye(3)).max()
    if skew <= EXACT:
        return rigid(linear, matrix[:3, 3])
    if skew > MOST_SKEWED:
        raise ValueError(
            f"a matrix that is no rotation (it scales by {abs(np.linalg.det(linear)) ** (1 / 3):g})"
        )
    u, _, vt = np.linalg.svd(linear)
    return rigid(u @ vt, matrix[:3, 3])


def image_size(width: object, height: object) -> tuple[int, int]:
    """(width, height) in pixels."""
    sides = finite_number(width), finite_number(height)
    if not all(side == int(side) and 1 <= side <= LONGEST_SIDE for side in sides):
        raise ValueError(f"a picture of {width} x {height} pixels")
    return int(sides[0]), int(sides[1])
