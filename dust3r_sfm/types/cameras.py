"""Cameras and rigid transforms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Rigid = Float[np.ndarray, "4 4"]


@dataclass(frozen=True)
class Camera:
    """A camera in pixels of the image it belongs to: a pinhole, and where `k1` is not 0 a lens before it
    (COLMAP's SIMPLE_RADIAL with two focals)."""

    width: int
    """Of the image, in pixels."""
    height: int
    """Of the image, in pixels."""
    fx: float
    """Focal length in pixels, horizontally."""
    fy: float
    """Focal length in pixels, vertically."""
    cx: float
    """Principal point in continuous pixels, from the left edge."""
    cy: float
    """Principal point in continuous pixels, from the top edge."""
    k1: float = 0.0
    """The lens moves normalised coordinates u to (1 + k1 |u|^2) u."""

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """K: pixels from camera coordinates, without the lens."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class LensCamera:
    """The camera of a stored photo file: whatever lens it has is kept as it is."""

    model: str
    """COLMAP's name of the camera model, such as OPENCV."""
    width: int
    """Of the stored file, in pixels."""
    height: int
    """Of the stored file, in pixels."""
    params: tuple[float, ...]
    """COLMAP's params of that model: focals and principal point in pixels of the file, then the lens."""
