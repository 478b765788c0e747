"""Matches between photos from very different viewpoints: by places, for pairs whose neighbours agree.

Descriptors of tilted pictures are many, so chance matches are too. Of a true pair most matches have the same
matches around them in both photos, of a false one few; that tells them apart where the number of epipolar
inliers does not (J. Bian et al., "GMS: Grid-based motion statistics", CVPR 2017; J. Ma et al., "Locality
preserving matching", IJCV 127, 2019).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from dust3r_sfm.regressors.stereo.features import root_sift
from dust3r_sfm.regressors.stereo.matching import nearest, nearest_elsewhere
from dust3r_sfm.regressors.stereo.places import places_of
from dust3r_sfm.regressors.stereo.tilted import TiltConfig, TiltedFeatures
from dust3r_sfm.regressors.stereo.two_view import Epipolar, TwoViewConfig, fundamental_matrix
from dust3r_sfm.types import Correspondences, Pair
from dust3r_sfm.view_graph import joined_views

DISTINCT_PX = 3.0
"""Matches that are nearer to each other than this in both searched pictures together are one."""
NEIGHBOURS, COMMON, ROUNDS = 10, 3, 3
"""A match stays if so many of the nearest matches are the same in both photos; asked so often."""


@dataclass(frozen=True)
class WideConfig:
    """`most_photos`: larger sets are not searched like this, nor those that pairs of at least `firm` epipolar
    inliers hold together, nor pairs of `enough`. `elsewhere_px` (of the searched picture): the ratio test
    compares with the nearest descriptor that lies farther off than this. `min_agreeing`, `min_share`: matches
    whose neighbours agree that must fit one epipolar geometry, and their share, for a pair to be believed."""

    most_photos: int = 10
    firm: int = 35
    enough: int = 200
    tilts: TiltConfig = field(default_factory=TiltConfig)
    elsewhere_px: float = 10.0
    min_agreeing: int = 40
    min_share: float = 0.81


def wide_matches(
    features_i: TiltedFeatures,
    features_j: TiltedFeatures,
    max_ratio: float,
    config: WideConfig,
    two_view: TwoViewConfig,
    device: torch.device,
) -> Correspondences:
    """None where the pair is not to be believed. Else all of them, also those whose neighbours do not agree:
    off the main surface there are few, and they tell most about the pose; RANSAC sees to the rest."""
    pixels_i, pixels_j = _matched(features_i, features_j, max_ratio, config, device)
    if not believed(pixels_i * features_i.resolution, pixels_j * features_j.resolution, config, two_view):
        return Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    return Correspondences(pixels_i, pixels_j, np.ones(len(pixels_i)))


def fallen_apart(
    epipolar: Mapping[Pair, Epipolar], wanted: Iterable[Pair], num_views: int, config: WideConfig
) -> bool:
    """Whether so few views are worth it, and firm pairs leave apart what the wanted ones would join."""
    if num_views > config.most_photos:
        return False
    firm = [pair for pair, found in epipolar.items() if found.inliers >= config.firm]
    return len(joined_views(num_views, firm)) > len(joined_views(num_views, wanted))


def _matched(
    features_i: TiltedFeatures,
    features_j: TiltedFeatures,
    max_ratio: float,
    config: WideConfig,
    device: torch.device,
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, "k 2"]]:
    """Pixels in i and in j of distinct matches, the clearest first: nearest in descriptors, by `max_ratio`
    nearer than what lies elsewhere in j, and by that of j in i not elsewhere either."""
    if not len(features_i.place) or not len(features_j.place):
        return np.zeros((0, 2)), np.zeros((0, 2))
    (of_i, where_i), (of_j, where_j) = (_on_device(features, device) for features in (features_i, features_j))
    forth = nearest_elsewhere(of_i, of_j, where_j, config.elsewhere_px)
    rows = torch.nonzero(forth.ratio < max_ratio)[:, 0]
    back = where_i[nearest(of_j[forth.row[rows]], of_i)]
    rows = rows[torch.linalg.norm(back - where_i[rows], dim=1) < config.elsewhere_px]
    rows = rows[torch.argsort(forth.ratio[rows], stable=True)]
    columns = forth.row[rows]
    both = torch.cat([where_i[rows], where_j[columns]], dim=1).cpu().numpy()
    distinct = np.unique(places_of(both, DISTINCT_PX))
    place_i = features_i.place[rows.cpu().numpy()[distinct]]
    place_j = features_j.place[columns.cpu().numpy()[distinct]]
    return features_i.pixels[place_i], features_j.pixels[place_j]


def _on_device(
    features: TiltedFeatures, device: torch.device
) -> tuple[Float[torch.Tensor, "n 128"], Float[torch.Tensor, "n 2"]]:
    """Descriptors, and where they are in the searched photo."""
    where = (features.pixels[features.place] * features.resolution).astype(np.float32)
    return torch.from_numpy(root_sift(features.descriptors)).to(device), torch.from_numpy(where).to(device)


def believed(
    pixels_i: Float[np.ndarray, "n 2"],
    pixels_j: Float[np.ndarray, "n 2"],
    config: WideConfig,
    two_view: TwoViewConfig,
) -> bool:
    """Whether matches (in pixels of the searched pictures) show the same scene: those whose neighbours agree
    are many, and fit one epipolar geometry."""
    rows = np.arange(len(pixels_i))
    for _ in range(ROUNDS):
        rows = rows[_neighbours_agree(pixels_i[rows], pixels_j[rows])]
    found = fundamental_matrix(pixels_i[rows], pixels_j[rows], two_view)
    return found is not None and found.inliers >= max(config.min_agreeing, config.min_share * len(rows))


def _neighbours_agree(
    pixels_i: Float[np.ndarray, "n 2"], pixels_j: Float[np.ndarray, "n 2"]
) -> Bool[np.ndarray, " n"]:
    count = min(NEIGHBOURS, len(pixels_i) - 1)
    if count < COMMON:
        return np.zeros(len(pixels_i), dtype=bool)
    # With the match itself, which is its own neighbour in both.
    about_i, about_j = (cKDTree(pixels).query(pixels, count + 1)[1] for pixels in (pixels_i, pixels_j))
    return (about_i[:, :, None] == about_j[:, None, :]).any(axis=2).sum(axis=1) >= COMMON + 1
