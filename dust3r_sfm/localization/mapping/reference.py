"""A set of photos whose cameras are known: what new photos are placed against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.types import Affine, Camera, ConfidenceArray, Rigid


@dataclass(frozen=True)
class PosedPhoto:
    """A photo file with its camera."""

    name: str
    """In the set."""
    path: Path
    """The file."""
    camera: Camera
    """Of the stored file, with its lens."""
    cam_from_world: Rigid
    """OpenCV axes of the stored file, before any EXIF rotation."""
    state: tuple[int, int] | None = None
    """Size in bytes and time of change in nanoseconds of the file when preparation began: it is read again,
    and must be the same then. None: not asked."""


@dataclass(frozen=True)
class KnownPoints:
    """3D points that came with the set, and where its photos see them."""

    ids: Int[np.ndarray, " p"]
    """Of the points in the set, one a point."""
    xyz: Float[np.ndarray, "p 3"]
    """World coordinates, one row a point."""
    point_index: Int[np.ndarray, " o"]
    """Row of the observed point in `xyz`, one an observation."""
    photo_index: Int[np.ndarray, " o"]
    """Number of the photo that observes it, one an observation."""
    pixels: Float[np.ndarray, "o 2"]
    """Where it does: continuous pixels (x, y) of the stored file, one row an observation."""


NO_POINTS = KnownPoints(
    np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
)


@dataclass(frozen=True)
class DepthMap:
    """Depth of a photo, in an upright and resized picture of it."""

    depth: Float[np.ndarray, "h w"]
    """z in world units, 0 where unknown."""
    confidence: ConfidenceArray
    """DUSt3R's: at least 1."""
    pixel_from_original: Affine
    """Takes homogeneous pixels of the stored file to those of the map."""


@dataclass(frozen=True)
class Reference:
    """A set of photos whose cameras are known."""

    source: Path
    """The folder or file that was asked for."""
    photos: tuple[PosedPhoto, ...]
    """Those that can be used."""
    points: KnownPoints = NO_POINTS
    """3D points that came with them."""
    model: Path | None = None
    """The folder of its COLMAP model, where it has one."""
    depth: Mapping[str, DepthMap] = field(default_factory=dict)
    """Photo name -> depth, for those that have it."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Name -> reason of posed photos that cannot be used."""
