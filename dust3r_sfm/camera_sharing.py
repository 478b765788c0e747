"""The choice which photos were taken by one camera: alignment and the embedded regressor both have it."""

from dataclasses import dataclass
from typing import Literal

CameraSharing = Literal["auto", "shared", "per-folder", "per-image"]


@dataclass(frozen=True, kw_only=True)
class CameraChoice:
    """Part of the configs that solve for focals."""

    cameras: CameraSharing = "auto"
    """Which photos have one focal length. auto: those of equal size and EXIF camera."""
