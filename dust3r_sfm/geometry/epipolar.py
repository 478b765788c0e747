"""What two cameras say of a match before its depth is known."""

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.projection import undistort_pixels
from dust3r_sfm.types import Camera, Correspondences, Rigid


def fundamental_from_cameras(camera_i: Camera, camera_j: Camera, j_from_i: Rigid) -> Float[np.ndarray, "3 3"]:
    """F with pixel_j^T F pixel_i = 0, in homogeneous `undistort_pixels` (Hartley and Zisserman, section 9.2).
    Zero where j_from_i has no translation."""
    x, y, z = j_from_i[:3, 3]
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.linalg.inv(camera_j.matrix).T @ cross @ j_from_i[:3, :3] @ np.linalg.inv(camera_i.matrix)


def epipolar_errors(
    found: Correspondences, camera_i: Camera, camera_j: Camera, j_from_i: Rigid
) -> Float[np.ndarray, " n"]:
    """Pixels of view j between each match and its epipolar line."""
    ones = np.ones((len(found), 1))
    pixels_i, pixels_j = (
        undistort_pixels(found.pixels_i, camera_i),
        undistort_pixels(found.pixels_j, camera_j),
    )
    lines = (
        np.concatenate([pixels_i, ones], axis=1) @ fundamental_from_cameras(camera_i, camera_j, j_from_i).T
    )
    distance = np.abs((np.concatenate([pixels_j, ones], axis=1) * lines).sum(axis=1))
    return distance / np.maximum(np.linalg.norm(lines[:, :2], axis=1), 1e-12)
