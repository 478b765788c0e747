"""Pure functions on arrays: transforms, projection, registration, focals, resampling."""

from dust3r_sfm.geometry.projection import (
    apply_affine,
    ideal_pixels,
    original_camera,
    pixel_grid,
    project,
    unproject,
)
from dust3r_sfm.geometry.transforms import (
    invert_rigid,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
    vector_from_rotation,
)

__all__ = [
    "apply_affine",
    "ideal_pixels",
    "invert_rigid",
    "original_camera",
    "pixel_grid",
    "project",
    "rigid",
    "rotation_angle_deg",
    "rotation_from_vector",
    "transform_points",
    "unproject",
    "vector_from_rotation",
]
