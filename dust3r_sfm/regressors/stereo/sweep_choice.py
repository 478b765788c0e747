"""Which pairs are worth a dense sweep."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.regressors.stereo.two_view import TwoView
from dust3r_sfm.types import Pair, PairGeometry


@dataclass(frozen=True)
class SweepChoiceConfig:
    """What a pair must show to be swept, and how pairs compare."""

    angles_deg: tuple[float, float] = (1.0, 45.0)
    """Median triangulation angles between which a pair is worth sweeping: with less depth is not precise,
    with more the photos no longer look alike."""
    full_angle_deg: float = 8.0
    """Angle up to which a wider pair is the better one: depth precision grows with it while the photos still
    look alike."""
    min_depths: int = 8
    """Triangulated inliers that say where to look for depth."""


def worth_sweeping(
    geometries: Mapping[Pair, TwoView], neighbours: int, config: SweepChoiceConfig
) -> set[Pair]:
    """For each view its best `neighbours` pairs: many matches, angles neither small nor wide."""
    least, most = config.angles_deg
    offers: dict[int, list[tuple[float, Pair]]] = {}
    for pair, found in geometries.items():
        solid = found.geometry in (PairGeometry.GENERAL, PairGeometry.PLANAR)
        known = np.isfinite(found.depth_i).sum()
        if solid and least <= found.angle_deg <= most and known >= config.min_depths:
            worth = len(found.matches) * min(found.angle_deg / config.full_angle_deg, 1.0)
            for view in (pair.i, pair.j):
                offers.setdefault(view, []).append((-worth, pair))
    return {pair for found in offers.values() for _, pair in sorted(found)[:neighbours]}
