"""How a scene came about, and what is to be thought of it."""

from dataclasses import dataclass
from enum import Enum

from dust3r_sfm.types.pairs import Pair, PairGeometry


@dataclass(frozen=True)
class PairReport:
    """What became of one directed pair in alignment."""

    pair: Pair
    """Which views, as indices among all that were aligned."""
    used: bool
    """Whether the scene rests on it."""
    geometry: PairGeometry
    """What it turned out to show."""
    num_correspondences: int
    """Its matches."""
    median_residual_px: float | None
    """By how much its points miss their pixels in view j before bundle adjustment, in view pixels; None if
    unused."""
    reason: str | None = None
    """Why it was left out, in words."""
    scale: float | None = None
    """World units that a unit of the pair's own pointmaps is long; None if unused."""


@dataclass(frozen=True)
class AlignmentStage:
    """What one stage of alignment left behind."""

    name: str
    """Of the stage."""
    objective: float
    """The value that it minimises. Those of stages that are not of one kind do not compare."""
    median_residual: float
    """What is left of its residuals, in `unit`."""
    unit: str
    """Of `median_residual`, in words."""


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


class UpSource(str, Enum):
    """What told which way is up. CAMERAS: people hold them level. VERTICALS: upright edges in the photos,
    near what the cameras say. LOOKING_DOWN: all cameras look along one direction, as drones do. POSITIONS:
    the world's axes are east, north and up. GIVEN: the user."""

    CAMERAS = "cameras"
    VERTICALS = "verticals"
    LOOKING_DOWN = "looking down"
    POSITIONS = "positions"
    GIVEN = "given"


@dataclass(frozen=True)
class UpAxis:
    """Which way is up in a scene's world."""

    direction: tuple[float, float, float] | None = None
    """Unit vector in the world's frame; None where nothing tells."""
    source: UpSource | None = None
    """What told; None where nothing did."""
    std_deg: float | None = None
    """Standard deviation of the direction where it is known least, in degrees; None where it is not known,
    and where it was given."""
    reason: str = "not asked"
    """Why it is this one, or why there is none, in words."""


@dataclass(frozen=True)
class AlignmentReport:
    """How a scene came about: per pair, per stage and per view."""

    pairs: tuple[PairReport, ...]
    """What became of each pair."""
    bundle_adjustment: str
    """Whether it was kept, and why, in words."""
    robust_error_before_px: float | None = None
    """Mean of the tracks' reprojection errors, each bounded, before bundle adjustment: in pixels of the
    stored photos."""
    robust_error_after_px: float | None = None
    """The same after it."""
    repeated_structure: tuple[Pair, ...] = ()
    """Pairs that were left out and agree with each other on another place for a part of the scene, as when
    two rooms look alike; which of both is true, the pairs alone do not tell."""
    world: str = "a unit of its own"
    """What a unit of length is, in words."""
    unplaced: str = ""
    """Why the scene is not where positions or a distance were to put it, in words; empty where it is, or none
    were given."""
    pair_unit: float | None = None
    """How long the pairs' own unit is in the scene, in world units (median)."""
    stages: tuple[AlignmentStage, ...] = ()
    """In the order in which they were solved."""
    proofs: tuple[ViewProof, ...] = ()
    """One a view of the scene."""
    verdict: Verdict = Verdict.UNCHECKED
    """What is to be thought of the scene."""
    verdict_reason: str = "nothing was checked"
    """Why, in words."""
    up: UpAxis = UpAxis()
    """Which way is up: for what is looked at. The world itself is not turned by it."""
