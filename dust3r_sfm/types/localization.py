"""What localization finds out of one photo."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Float

from dust3r_sfm.types.cameras import Camera, Rigid


class FocalSource(str, Enum):
    """Where the focal of a localized photo is from. EXIF: a prior that was then refined."""

    GIVEN = "given"
    EXIF = "exif"
    SOLVED = "solved"


@dataclass(frozen=True)
class Localization:
    """Where one photo was taken. Lengths are in units of the reference."""

    name: str
    """Of the photo."""
    cam_from_world: Rigid
    """OpenCV axes of the STORED file, before any EXIF rotation; the world is the reference's."""
    camera: Camera
    """Of the stored file."""
    focal_source: FocalSource
    """Where its focal is from."""
    pixels: Float[np.ndarray, "n 2"]
    """Inliers, one a place: continuous pixels (x, y) of the stored file."""
    points: Float[np.ndarray, "n 3"]
    """What these pixels see, in the world, within the error that was allowed."""
    inlier_ratio: float
    """Inliers over all places with matches."""
    median_error_px: float
    """Reprojection error of the inliers, in pixels of the stored file."""
    covariance: Float[np.ndarray, "6 6"]
    """Of a small turn in camera axes (radians) and of the camera's centre in the world: from the spread of
    the inliers' errors, and from how far the given poses of references contradict each other. What else is
    wrong with the reference is not in it."""
    confidence: float
    """n / (n + m) for n inliers of which m were needed: 0.5 where it was barely accepted."""
    references: tuple[str, ...]
    """Names of the photos it was compared with, most similar first."""

    @property
    def num_inliers(self) -> int:
        return len(self.pixels)

    @property
    def rotation_std_deg(self) -> float:
        """Root mean square angle."""
        return float(np.degrees(np.sqrt(np.trace(self.covariance[:3, :3]))))

    @property
    def centre_std(self) -> float:
        """Root mean square distance, in units of the reference."""
        return float(np.sqrt(np.trace(self.covariance[3:, 3:])))
