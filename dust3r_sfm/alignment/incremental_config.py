"""How scenes grow from pairs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IncrementalConfig:
    """When and how scenes are begun anew from single pairs."""

    firm_matches: int = 50
    """Matches of a pair that says two photos belong together."""
    min_covered: float = 0.8
    """Share of such a group that a scene must hold for it to be left as it is."""
    enough_covered: float = 0.95
    """Share of the group that a grown scene must hold for no other beginning to be tried."""
    min_initial_matches: int = 60
    """Agreeing matches of a pair that a scene may begin with. (COLMAP asks for 100.)"""
    pairs_looked_at: int = 20
    """Pairs with most matches, of which the best beginnings are chosen."""
    initial_pairs: int = 3
    """Beginnings at each focal."""
    focal_factors: tuple[float, ...] = (1.0, 0.75, 1.33, 2.0)
    """Times the focal that the pairs speak for, one after the other until one gives all: where pairs are
    planar or turn about what they look at, they hardly tell, and a usual lens is assumed: a tele lens is
    found at twice that."""
    max_error: float = 0.004
    """Distance of an agreeing match from its epipolar line, over the long edge of the view."""
    min_angle_deg: float = 2.0
    """Median angle between the rays of a beginning's matches: with less its depths are guesses."""
    good_angle_deg: float = 12.0
    """Angle from which on more is no better. (COLMAP asks for 16.)"""
    min_trials: int = 100
    """Least number of samples RANSAC draws."""
