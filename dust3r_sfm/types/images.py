"""Photos as the regressors see them."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from dust3r_sfm.types.cameras import Camera

Affine = Float[np.ndarray, "3 3"]


class Framing(str, Enum):
    """How a photo becomes the image of a view. FIT: made smaller until it fits, never larger, and centre
    cropped to the multiple. PUBLISHED, SQUARE: as DUSt3R's authors load photos for their networks of 512
    and of 224 pixels; small photos are made larger, and SQUARE keeps only the middle."""

    FIT = "fit"
    PUBLISHED = "published"
    SQUARE = "square"


@dataclass(frozen=True)
class ImageSpec:
    """The pixels a regressor wants."""

    long_edge: int
    """Of `View.image`, in pixels."""
    multiple: int = 1
    """What both sides must be multiples of. 1: nothing is cropped."""
    framing: Framing = Framing.FIT
    """How photos are made to fit."""
    cut_squares: bool = False
    """Whether PUBLISHED takes a quarter of the height off a square photo, as its authors do; without, all of
    it is kept."""


@dataclass(frozen=True)
class Rectification:
    """How a photo whose lens is known is straightened before anything looks at it: resampled as a pinhole in
    the camera's place sees it (`geometry.rectification`)."""

    file_camera: Camera
    """Of the stored file, in its pixels, with its lens."""
    pinhole: Camera
    """Of the rectified photo, which stands for the file from there on."""


@dataclass(frozen=True)
class View:
    """One photo as the regressors see it: upright, resized, and never larger than they need."""

    name: str
    """Unique in its set: the photo's path below the folder that was read, with slashes."""
    image: UInt8[np.ndarray, "h w 3"]
    """RGB. View pixels are its pixels."""
    pixel_from_original: Affine
    """Takes homogeneous pixels of the STORED file (before any EXIF rotation) to pixels of `image`; of the
    rectified photo, where there is a `rectification`."""
    original_size: tuple[int, int]
    """(width, height) of the stored file, or of the rectified photo."""
    path: Path | None = None
    """The file, for stages that need more pixels than `image` has; None for a view made in memory."""
    exif_focal_px: float | None = None
    """What EXIF says of the focal, in pixels of `image`: a prior, never the truth."""
    exif_camera: str | None = None
    """Body and focal length out of EXIF: photos with the same may be of one camera."""
    mask: Bool[np.ndarray, "h w"] | None = None
    """True where the photo may be used; None: everywhere."""
    known_focal_px: float | None = None
    """A focal that is certain, in pixels of `image`: regressors that calibrate need not."""
    exif_position: tuple[float, float, float | None] | None = None
    """Latitude and longitude in degrees, height in metres or None where EXIF has none."""
    content: str | None = None
    """SHA-256 of the file: tells whether it is still the same where it is read again. None: not asked."""
    rectification: Rectification | None = None
    """Between the stored file and the photo that this is a view of; None: they are the same."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of `image`."""
        return self.image.shape[1], self.image.shape[0]
