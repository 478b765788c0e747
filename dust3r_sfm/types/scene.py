"""What a reconstruction is."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, UInt8

from dust3r_sfm.types.cameras import Camera
from dust3r_sfm.types.images import View
from dust3r_sfm.types.reports import AlignmentReport


@dataclass(frozen=True)
class Tracks:
    """Sparse 3D points and where the views see them, observations sorted by point. Every point has at least
    two observations."""

    xyz: Float[np.ndarray, "p 3"]
    """World coordinates, one row a point."""
    color: UInt8[np.ndarray, "p 3"]
    """RGB, one row a point."""
    point_index: Int[np.ndarray, " o"]
    """The observed point's row in `xyz`, one an observation."""
    view_index: Int[np.ndarray, " o"]
    """The view that observes it, as an index in `Scene.views`, one an observation."""
    pixels: Float[np.ndarray, "o 2"]
    """Where it does, in continuous view pixels (x, y), one row an observation."""

    @classmethod
    def empty(cls) -> "Tracks":
        none = np.zeros(0, dtype=np.int64)
        return cls(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.uint8), none, none, np.zeros((0, 2)))


@dataclass(frozen=True)
class Scene:
    """One connected reconstruction. Holds no optimiser and no open file: safe to keep and hand on. What there
    is one of for each view stands in the order of `views`."""

    views: tuple[View, ...]
    """Only those that were posed."""
    cameras: tuple[Camera, ...]
    """In view pixels: `geometry.original_camera` takes one to the stored file's."""
    cam_from_world: Float[np.ndarray, "n 4 4"]
    """Rigid, OpenCV axes: x right, y down, z forward."""
    depth: tuple[Float[np.ndarray, "_h _w"], ...]
    """z in the camera's frame of each view pixel, in world units; 0 where unknown."""
    confidence: tuple[Float[np.ndarray, "_h _w"], ...]
    """Of `depth`: at least 1, and 1 means "knows nothing"."""
    tracks: Tracks
    """Sparse points and their observations."""
    report: AlignmentReport
    """How the scene came about."""


@dataclass(frozen=True)
class Reconstruction:
    """Every connected component as a scene, and what is in none of them."""

    scenes: tuple[Scene, ...]
    """Largest first."""
    dropped: dict[str, str]
    """Photo name -> why it was left out."""
    passed_over: dict[str, str] = field(default_factory=dict)
    """What lay among the photos and is none, name -> what it is."""

    def __post_init__(self) -> None:
        assert all(len(a.views) >= len(b.views) for a, b in zip(self.scenes, self.scenes[1:], strict=False))
