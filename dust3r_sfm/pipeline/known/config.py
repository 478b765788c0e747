"""What a user may say of the cameras and of the world beforehand."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class KnownCameras:
    """What is known of the cameras: it stays as it is, and the rest is solved around it. Photos are found in
    files by name; what these say of other photos is passed over."""

    focal_px: float | None = None
    """Focal of every photo, in pixels of its file."""
    cameras: Path | None = None
    """Cameras by photo name: a COLMAP model, or a file of lines NAME MODEL WIDTH HEIGHT PARAMS..."""
    poses: Path | None = None
    """Poses by photo name, of some photos or all: a COLMAP model or a transforms.json."""


@dataclass(frozen=True)
class KnownDistance:
    """How far apart the cameras of two photos are."""

    first: str
    """Name of a photo."""
    second: str
    """Name of another."""
    length: float
    """Between them, in the unit that the world is to have."""


@dataclass(frozen=True)
class KnownWorld:
    """The place and size of the world: at most one of these. Without, a scene has the unit of given poses,
    else of a regressor that knows metres, else its own."""

    positions: Path | None = None
    """Where cameras stand, lines NAME X Y Z: the model is moved there. Gross errors do not matter."""
    gps: bool = False
    """The same from the photos' EXIF: metres east, north and up of the first photo."""
    distance: KnownDistance | None = None
    """How far apart the cameras of two photos are: the size of the model."""
