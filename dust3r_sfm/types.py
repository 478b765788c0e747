"""The inert data that passes between the stages.

Frames and units, everywhere in the package: OpenCV cameras (x right, y down, z forward),
`a_from_b` transforms, continuous pixels with the first pixel's centre at (0.5, 0.5), world scale
arbitrary. Confidence is DUSt3R's: at least 1, and 1 means "knows nothing".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

Affine = Float[np.ndarray, "3 3"]
Rigid = Float[np.ndarray, "4 4"]
PointmapArray = Float[np.ndarray, "h w 3"]
ConfidenceArray = Float[np.ndarray, "h w"]


class Framing(str, Enum):
    """How a photo becomes the image of a view. FIT: made smaller until it fits, never larger, and centre
    cropped to the multiple. PUBLISHED, SQUARE: as DUSt3R's authors load photos for their networks of 512
    and of 224 pixels; small photos are made larger, and SQUARE keeps only the middle."""

    FIT = "fit"
    PUBLISHED = "published"
    SQUARE = "square"


@dataclass(frozen=True)
class ImageSpec:
    """The pixels a regressor wants: the long edge of `View.image`, and what both sides must be
    multiples of (1: nothing is cropped). `cut_squares`: PUBLISHED takes a quarter of the height off a
    square photo, as its authors do; without, all of it is kept."""

    long_edge: int
    multiple: int = 1
    framing: Framing = Framing.FIT
    cut_squares: bool = False


@dataclass(frozen=True)
class View:
    """One photo as the regressors see it: upright, resized, and never larger than they need.

    `pixel_from_original` takes homogeneous pixels of the STORED file (before any EXIF rotation) to
    pixels of `image`. `original_size` is the stored (width, height). `exif_focal_px` is a prior in
    pixels of `image`, `known_focal_px` (there too) is certain: regressors that calibrate need not.
    `exif_position`: latitude and longitude in degrees, height in metres. `mask` is True where the
    photo may be used. `path` is the file, for stages that need more pixels than
    `image` has; None for a view made in memory.
    """

    name: str
    image: UInt8[np.ndarray, "h w 3"]
    pixel_from_original: Affine
    original_size: tuple[int, int]
    path: Path | None = None
    exif_focal_px: float | None = None
    exif_camera: str | None = None
    mask: Bool[np.ndarray, "h w"] | None = None
    known_focal_px: float | None = None
    exif_position: tuple[float, float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of `image`."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, order=True)
class Pair:
    """A directed pair of view indices: predictions live in camera i's frame."""

    i: int
    j: int

    def swapped(self) -> "Pair":
        return Pair(self.j, self.i)


class PairGeometry(str, Enum):
    """What two views of a pair turned out to show."""

    GENERAL = "general"
    PLANAR = "planar"
    ROTATION_ONLY = "rotation_only"
    LOW_PARALLAX = "low_parallax"
    UNRELATED = "unrelated"


@dataclass(frozen=True)
class Correspondences:
    """Matching continuous pixels of views i and j, with weights in (0, 1]."""

    pixels_i: Float[np.ndarray, "n 2"]
    pixels_j: Float[np.ndarray, "n 2"]
    weights: Float[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.weights)

    def swapped(self) -> "Correspondences":
        return Correspondences(self.pixels_j, self.pixels_i, self.weights)


@dataclass(frozen=True)
class PairPrediction:
    """What a regressor says of one directed pair. Both pointmaps are in camera i's frame, in a
    scale of the pair's own; each has the height and width of its view's `image`."""

    pair: Pair
    points_i: PointmapArray
    points_j: Float[np.ndarray, "hj wj 3"]
    confidence_i: ConfidenceArray
    confidence_j: Float[np.ndarray, "hj wj"]
    correspondences: Correspondences | None = None
    geometry: PairGeometry = PairGeometry.GENERAL


@dataclass(frozen=True)
class Camera:
    """A camera in pixels of the image it belongs to: a pinhole, and where `k1` is not 0 a lens before
    it that moves normalised coordinates u to (1 + k1 |u|^2) u (COLMAP's SIMPLE_RADIAL)."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    k1: float = 0.0

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """K: pixels from camera coordinates, without the lens."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Tracks:
    """Sparse 3D points and where the views see them: one row an observation, sorted by point.

    `xyz` and `color` have one row a point; `point_index`, `view_index` and `pixels` (continuous
    view pixels) one row an observation. Every point has at least two observations.
    """

    xyz: Float[np.ndarray, "p 3"]
    color: UInt8[np.ndarray, "p 3"]
    point_index: Int[np.ndarray, " o"]
    view_index: Int[np.ndarray, " o"]
    pixels: Float[np.ndarray, "o 2"]

    @classmethod
    def empty(cls) -> "Tracks":
        none = np.zeros(0, dtype=np.int64)
        return cls(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.uint8), none, none, np.zeros((0, 2)))


@dataclass(frozen=True)
class PairReport:
    """What became of one directed pair in alignment. Residuals in view pixels; None if unused."""

    pair: Pair
    used: bool
    geometry: PairGeometry
    num_correspondences: int
    median_residual_px: float | None
    reason: str | None = None
    scale: float | None = None
    """World units that a unit of the pair's own pointmaps is long; None if unused."""


@dataclass(frozen=True)
class AlignmentStage:
    """What one stage of alignment left behind: the value of the `objective` it minimises, and the median of
    what is left of its residuals, in `unit`. Objectives of stages that are not of one kind do not compare."""

    name: str
    objective: float
    median_residual: float
    unit: str


@dataclass(frozen=True)
class ViewProof:
    """What a view's place in its scene rests on. See docs/truth.md."""

    witnesses: int
    """Other views of the scene whose matches with this one agree with both cameras: independent checks."""
    agreeing_share: float | None
    """Of all its matches that fit some two-view geometry those that fit the scene's cameras; None without
    any."""
    rotation_std_deg: float | None
    """Standard deviation of its rotation within the scene, by the tracks; None where it was not estimated."""
    centre_std: float | None
    """The same of its centre, in world units."""
    focal_std: float | None
    """Relative standard deviation of its focal, priors (EXIF, a usual lens) included; 0 where it was
    given."""
    covariance: tuple[float, ...] = ()
    """Of a small turn (radians) and shift (world units) in camera axes, within the scene's free gauge: 6 x
    6, row by row. Empty where it was not estimated."""


class Verdict(str, Enum):
    """What is to be thought of a scene. PROVED: every view is checked by others, and focals are known.
    WEAK: poses hold together, but something rests on a guess. UNCHECKED: there were no matches to check it
    by."""

    PROVED = "proved"
    WEAK = "weak"
    UNCHECKED = "unchecked"


@dataclass(frozen=True)
class AlignmentReport:
    """How a scene came about: per pair, and whether bundle adjustment was kept and why.
    `repeated_structure`: pairs that were left out and agree with each other on another place for a part of
    the scene, as when two rooms look alike; which of both is true, the pairs alone do not tell. `world`:
    what a unit of length is. `pair_unit`: how long the pairs' own unit is in the scene (median). `stages`: in
    the order in which they were solved. `proofs`: one a view of the scene; `verdict`, and why in words."""

    pairs: tuple[PairReport, ...]
    bundle_adjustment: str
    robust_error_before_px: float | None = None
    robust_error_after_px: float | None = None
    repeated_structure: tuple[Pair, ...] = ()
    world: str = "a unit of its own"
    pair_unit: float | None = None
    stages: tuple[AlignmentStage, ...] = ()
    proofs: tuple[ViewProof, ...] = ()
    verdict: Verdict = Verdict.UNCHECKED
    verdict_reason: str = "nothing was checked"


@dataclass(frozen=True)
class Scene:
    """One connected reconstruction. Holds no optimiser and no open file: safe to keep and hand on.

    `views` are only those that were posed; per-view sequences run parallel to them. `cameras` and
    `depth` (z, world units; 0 where unknown) and `confidence` are in view pixels:
    `geometry.original_camera` takes a camera to the stored file's pixels. `tracks.view_index`
    counts in `views`.
    """

    views: tuple[View, ...]
    cameras: tuple[Camera, ...]
    cam_from_world: Float[np.ndarray, "n 4 4"]
    depth: tuple[Float[np.ndarray, "_h _w"], ...]
    confidence: tuple[Float[np.ndarray, "_h _w"], ...]
    tracks: Tracks
    report: AlignmentReport


@dataclass(frozen=True)
class Reconstruction:
    """Every connected component as a scene, largest first, and what was left out with the reason."""

    scenes: tuple[Scene, ...]
    dropped: dict[str, str]

    def __post_init__(self) -> None:
        assert all(len(a.views) >= len(b.views) for a, b in zip(self.scenes, self.scenes[1:], strict=False))


@dataclass(frozen=True)
class LensCamera:
    """The camera of a stored photo file by COLMAP's name for its `model` and COLMAP's `params`, in pixels
    of the file: whatever lens it has is kept as it is."""

    model: str
    width: int
    height: int
    params: tuple[float, ...]


class FocalSource(str, Enum):
    """Where the focal of a localized photo is from. EXIF: a prior that was then refined."""

    GIVEN = "given"
    EXIF = "exif"
    SOLVED = "solved"


@dataclass(frozen=True)
class Localization:
    """Where one photo was taken. `cam_from_world` and `camera` are of the STORED file, before any EXIF
    rotation; lengths are in units of the reference.

    `pixels` (continuous, stored file) see `points` (world) within the error that was allowed: the inliers,
    one a place, `inlier_ratio` of all places with matches. `references`: names of the photos it was
    compared with, most similar first. `covariance`: of a small turn in camera axes (radians) and of the
    camera's centre in the world, from the spread of the inliers' errors, and from how far the given poses
    of references contradict each other; what else is wrong with the reference is not in it.
    `confidence`: n / (n + m) for n inliers of which m were needed: 0.5 where it was barely accepted.
    """

    name: str
    cam_from_world: Rigid
    camera: LensCamera
    focal_source: FocalSource
    pixels: Float[np.ndarray, "n 2"]
    points: Float[np.ndarray, "n 3"]
    inlier_ratio: float
    median_error_px: float
    covariance: Float[np.ndarray, "6 6"]
    confidence: float
    references: tuple[str, ...]

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


Predictions = Sequence[PairPrediction]
"""Of all pairs, to be made into evidence: a list, or a sequence that loads one at a time."""
