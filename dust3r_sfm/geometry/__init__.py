"""Pure functions on arrays: cameras, projection, transforms, registration, focals, resampling."""

from dust3r_sfm.geometry.pixels import apply_affine, original_pixels, pixel_grid, view_pixels
from dust3r_sfm.geometry.projection import project, undistort_pixels, unproject
from dust3r_sfm.geometry.transforms import (
    invert_rigid,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
    vector_from_rotation,
)
from dust3r_sfm.geometry.view_cameras import original_camera

__all__ = [
    "apply_affine",
    "invert_rigid",
    "original_camera",
    "original_pixels",
    "pixel_grid",
    "project",
    "rigid",
    "rotation_angle_deg",
    "rotation_from_vector",
    "transform_points",
    "undistort_pixels",
    "unproject",
    "vector_from_rotation",
    "view_pixels",
]
