"""Epipolar geometry of pairs before any camera is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.parallel import in_threads
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar, TwoViewConfig, estimate_epipolar
from dust3r_sfm.types import Correspondences, Pair, View


@dataclass(frozen=True)
class PairMatches:
    """Matches of pairs, and the epipolar geometry of those that have one."""

    matches: Mapping[Pair, Correspondences]
    """In view pixels, of every pair that was matched."""
    epipolar: Mapping[Pair, Epipolar]
    """Of the pairs that show something in common."""


def epipolar_geometries(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    config: TwoViewConfig,
) -> dict[Pair, Epipolar]:
    """Fundamental matrices of the pairs that have one: the others show nothing in common."""

    def epipolar(pair: Pair) -> Epipolar | None:
        found = matches[pair]
        rows = np.linspace(0, len(found) - 1, min(len(found), config.most_matches)).round().astype(np.int64)
        return estimate_epipolar(
            (found.pixels_i[rows] - principal_point(views[pair.i])) * features[pair.i].resolution,
            (found.pixels_j[rows] - principal_point(views[pair.j])) * features[pair.j].resolution,
            config,
        )

    found = zip(matches, in_threads(epipolar, matches), strict=True)
    return {pair: geometry for pair, geometry in found if geometry is not None}
