"""Rigid and similarity transforms as homogeneous 4x4 matrices, with any batch axes in front."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation


def rigid(
    rotation: Float[np.ndarray, "*batch 3 3"], translation: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 4 4"]:
    """[R t; 0 1]. A scaled rotation makes it a similarity."""
    out = np.zeros(np.broadcast_shapes(rotation.shape[:-2], translation.shape[:-1]) + (4, 4))
    out[..., :3, :3] = rotation
    out[..., :3, 3] = translation
    out[..., 3, 3] = 1.0
    return out


def invert_rigid(b_from_a: Float[np.ndarray, "*batch 4 4"]) -> Float[np.ndarray, "*batch 4 4"]:
    """a_from_b, by transposing the rotation; not for similarities."""
    rotation = np.swapaxes(b_from_a[..., :3, :3], -1, -2)
    return rigid(rotation, -(rotation @ b_from_a[..., :3, 3:])[..., 0])


def transform_points(
    b_from_a: Float[np.ndarray, "*batch 4 4"], points_a: Float[np.ndarray, "*batch n 3"]
) -> Float[np.ndarray, "*batch n 3"]:
    """points_b, for rigid transforms and similarities."""
    return points_a @ np.swapaxes(b_from_a[..., :3, :3], -1, -2) + b_from_a[..., None, :3, 3]


def camera_centre(cam_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "3"]:
    """In the world."""
    return -cam_from_world[:3, :3].T @ cam_from_world[:3, 3]


def centre_spread(cam_from_world: Float[np.ndarray, "n 4 4"]) -> float:
    """Median distance of the camera centres from their mean, in world units."""
    centres = invert_rigid(cam_from_world)[:, :3, 3]
    return float(np.median(np.linalg.norm(centres - centres.mean(axis=0), axis=1)))


def rotation_from_vector(vector: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Exponential map of so(3); the vector's length is the angle in radians."""
    return Rotation.from_rotvec(vector.reshape(-1, 3)).as_matrix().reshape(*vector.shape[:-1], 3, 3)


def vector_from_rotation(rotation: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Logarithm of SO(3), of length at most pi."""
    return Rotation.from_matrix(rotation.reshape(-1, 3, 3)).as_rotvec().reshape(rotation.shape[:-1])


def rotation_angle_deg(rotation: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch"]:
    """Angle of a rotation matrix in degrees, accurate near 0 and near 180."""
    # asarray: for a single rotation NumPy gives a scalar, not an array.
    return np.asarray(np.degrees(np.linalg.norm(vector_from_rotation(rotation), axis=-1)))


def tangents(direction: Float[np.ndarray, "3"]) -> Float[np.ndarray, "2 3"]:
    """Two unit vectors across a unit vector and each other."""
    across = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(direction, across)])


def turn_onto(source: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that brings a unit vector onto another one; of opposite ones some half turn."""
    axis = np.cross(source, target)
    sine, cosine = float(np.linalg.norm(axis)), float(source @ target)
    if sine < np.finfo(float).eps:
        return np.eye(3) if cosine > 0 else rotation_from_vector(np.pi * tangents(source)[0])
    return rotation_from_vector(axis * (np.arctan2(sine, cosine) / sine))


def level_from_world(up: Float[np.ndarray, "3"] | None) -> Float[np.ndarray, "4 4"]:
    """Turns a world in which `up` (a unit vector) is up the shortest way such that -y is, as before a level
    OpenCV camera; where nobody knows what is up, not at all."""
    turned = np.eye(4)
    if up is not None:
        turned[:3, :3] = turn_onto(up, np.array([0.0, -1.0, 0.0]))
    return turned


def finite_points(points: Float[np.ndarray, "*shape 3"]) -> Bool[np.ndarray, "*shape"]:
    """Whether all three coordinates are numbers. A sum is finite only if its terms are, and is asked once a
    point: three times as fast. (Sums that overflow are of points that no camera sees.)"""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isfinite(points[..., 0] + points[..., 1] + points[..., 2])
