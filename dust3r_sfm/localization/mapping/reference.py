"""A set of photos whose cameras are known: what new photos are placed against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.types import Affine, ConfidenceArray, LensCamera, Rigid


@dataclass(frozen=True)
class PosedPhoto:
    """A photo file with its camera. `cam_from_world` is of the stored file, before any EXIF rotation."""

    name: str
    path: Path
    camera: LensCamera
    cam_from_world: Rigid


@dataclass(frozen=True)
class KnownPoints:
    """3D points that came with the set, by their `ids` there, and where its photos see them: one row an
    observation, `pixels` continuous ones of the stored files."""

    ids: Int[np.ndarray, " p"]
    xyz: Float[np.ndarray, "p 3"]
    point_index: Int[np.ndarray, " o"]
    photo_index: Int[np.ndarray, " o"]
    pixels: Float[np.ndarray, "o 2"]


NO_POINTS = KnownPoints(
    np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2))
)


@dataclass(frozen=True)
class DepthMap:
    """z of a photo in world units, 0 where unknown, and DUSt3R's confidence, for the upright and resized
    picture that `pixel_from_original` leads to from stored pixels."""

    depth: Float[np.ndarray, "h w"]
    confidence: ConfidenceArray
    pixel_from_original: Affine


@dataclass(frozen=True)
class Reference:
    """`source`: the folder or file that was asked for. `model`: the folder of its COLMAP model, where it has
    one. `depth`: by photo name, for those that have it. `skipped`: posed photos that cannot be used, with
    the reason."""

    source: Path
    photos: tuple[PosedPhoto, ...]
    points: KnownPoints = NO_POINTS
    model: Path | None = None
    depth: Mapping[str, DepthMap] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
