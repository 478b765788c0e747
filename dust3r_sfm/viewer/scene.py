"""What the viewer shows: inert arrays, read from any kind of model, that know nothing of how they are
drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from dust3r_sfm.types import Camera, Rigid


@dataclass(frozen=True)
class ViewedPhoto:
    """A camera and its photo."""

    name: str
    """As the model has it; may hold anything."""
    camera: Camera
    """Of the picture, with its lens; the picture itself may have fewer pixels."""
    cam_from_world: Rigid
    """OpenCV axes."""
    picture: bytes | Path | None = None
    """A JPEG in memory, whose whole is what `camera` sees; or the stored file, which a camera of a COLMAP
    model sees before any EXIF rotation; None where there is none."""


@dataclass(frozen=True)
class ViewedPoints:
    """A cloud in random order: any first part of it is an even thinning."""

    xyz: Float[np.ndarray, "n 3"]
    """World coordinates."""
    rgb: UInt8[np.ndarray, "n 3"]
    """Colours."""
    confidence: Float[np.ndarray, " n"]
    """DUSt3R's, at least 1; of a COLMAP model how many photos see the point."""
    seen_from: Int[np.ndarray, " n_plus_1"]
    """Photos that see point k are `seen_by[seen_from[k]:seen_from[k + 1]]`."""
    seen_by: Int[np.ndarray, " m"]
    """Indices of photos, those of each point one after another."""
    confidence_is: str = "confidence"
    """What `confidence` is, in a word or two."""

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True)
class ViewedTracks:
    """Sparse points and where photos see them, sorted by point."""

    xyz: Float[np.ndarray, "p 3"]
    """World coordinates."""
    point_index: Int[np.ndarray, " o"]
    """Row in `xyz`, one an observation."""
    photo_index: Int[np.ndarray, " o"]
    """The photo that observes it."""
    errors_px: Float[np.ndarray, " o"]
    """Reprojection error in pixels of the stored file; infinite behind the camera."""

    @classmethod
    def empty(cls) -> "ViewedTracks":
        none = np.zeros(0, dtype=np.int64)
        return cls(np.zeros((0, 3)), none, none, np.zeros(0))


@dataclass(frozen=True)
class ViewedPair:
    """Two photos that were compared."""

    photos: tuple[int, int]
    """Their indices."""
    used: bool
    """Whether the scene rests on it."""
    residual_px: float | None
    """Median, in pixels of the resized photos; None where it is not known."""


@dataclass(frozen=True)
class ViewedQuery:
    """A photo that was localized in the scene, or was to be."""

    name: str
    """As the file has it."""
    cam_from_world: Rigid | None
    """None where it has no pose."""
    camera: Camera | None = None
    """None where the file does not say."""
    about: str = ""
    """Its figures, or why it has no pose."""


@dataclass(frozen=True)
class ViewedComponent:
    """Photos that connect, in one world."""

    photos: tuple[ViewedPhoto, ...]
    """At least one."""
    points: ViewedPoints
    """What is drawn."""
    tracks: ViewedTracks
    """What a click on a point tells."""
    pairs: tuple[ViewedPair, ...] = ()
    """Lines between cameras; a pair may stand there in both directions."""
    unit: str = "a unit of its own"
    """What a length of 1 is, in words."""
    verdict: str = ""
    """What is to be thought of it, in words."""
    up: tuple[float, float, float] | None = None
    """Unit vector that is up in its world; None where nothing tells: then what is up in most photos."""

    @property
    def cam_from_world(self) -> Float[np.ndarray, "c 4 4"]:
        """Of all photos."""
        return np.stack([photo.cam_from_world for photo in self.photos])


@dataclass(frozen=True)
class ViewedScene:
    """All of one result."""

    title: str
    """What it is called in the page."""
    components: tuple[ViewedComponent, ...]
    """Largest first; at least one."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Photo name -> why it is in none of them."""
    queries: tuple[ViewedQuery, ...] = ()
    """Localized in the first component."""
