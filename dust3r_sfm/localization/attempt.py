"""What becomes of a photo that is to be localized, whether or not it is."""

from dataclasses import dataclass

from dust3r_sfm.localization.query_matches import PointMatches
from dust3r_sfm.types import Localization


@dataclass(frozen=True)
class Attempt:
    """What became of one photo."""

    name: str
    """Of the photo."""
    localization: Localization | None
    """Where it was taken; None where that was not found."""
    reason: str | None
    """Why not, in words; None where it was."""
    references: tuple[str, ...]
    """Names of what it was compared with, most similar first."""
    num_matches: int
    """Places of the photo that some reference knows a point for."""
    num_inliers: int
    """Those where one agrees with the best pose, also one that was not accepted."""
    inliers: PointMatches
    """The best match of each of these, and how they came about."""
    time_s: float
    """Wall time of the attempt."""
