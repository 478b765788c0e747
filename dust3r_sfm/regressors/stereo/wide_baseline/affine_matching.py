"""Matches between photos from very different viewpoints: places of affine SIFT."""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float

from dust3r_sfm.regressors.stereo.features import root_sift
from dust3r_sfm.regressors.stereo.matching import nearest, nearest_elsewhere
from dust3r_sfm.regressors.stereo.wide_baseline.affine_sift import AffineFeatures, AffineSiftConfig
from dust3r_sfm.regressors.stereo.wide_baseline.keypoint_merging import merge_keypoints
from dust3r_sfm.types import Correspondences


@dataclass(frozen=True)
class AffineMatchingConfig:
    """How photos are matched as if tilted."""

    tilts: AffineSiftConfig = field(default_factory=AffineSiftConfig)
    """How they are tilted and searched."""
    elsewhere_px: float = 10.0
    """Of the searched picture: the ratio test compares with the nearest descriptor that lies farther off than
    this. (Features of one place come several, from pictures tilted differently.)"""
    runners_up: int = 16
    """Nearest descriptors looked through for one that lies elsewhere: a place has about as many of its
    own."""
    distinct_px: float = 3.0
    """Matches that are nearer to each other than this in both searched pictures together are one."""


def match_affine(
    features_i: AffineFeatures,
    features_j: AffineFeatures,
    max_ratio: float,
    config: AffineMatchingConfig,
    device: torch.device,
) -> Correspondences:
    """All distinct ones, the clearest first. Descriptors of tilted pictures are many, so chance matches are
    too."""
    pixels_i, pixels_j = _match(features_i, features_j, max_ratio, config, device)
    return Correspondences(pixels_i, pixels_j, np.ones(len(pixels_i)))


def _match(
    features_i: AffineFeatures,
    features_j: AffineFeatures,
    max_ratio: float,
    config: AffineMatchingConfig,
    device: torch.device,
) -> tuple[Float[np.ndarray, "k 2"], Float[np.ndarray, "k 2"]]:
    """Pixels in i and in j of distinct matches, the clearest first: nearest in descriptors, by `max_ratio`
    nearer than what lies elsewhere in j, and by that of j in i not elsewhere either."""
    if not len(features_i.place) or not len(features_j.place):
        return np.zeros((0, 2)), np.zeros((0, 2))
    (of_i, where_i), (of_j, where_j) = (_on_device(features, device) for features in (features_i, features_j))
    forth = nearest_elsewhere(of_i, of_j, where_j, config.elsewhere_px, config.runners_up)
    rows = torch.nonzero(forth.ratio < max_ratio)[:, 0]
    back = where_i[nearest(of_j[forth.row[rows]], of_i)]
    rows = rows[torch.linalg.norm(back - where_i[rows], dim=1) < config.elsewhere_px]
    rows = rows[torch.argsort(forth.ratio[rows], stable=True)]
    columns = forth.row[rows]
    both = torch.cat([where_i[rows], where_j[columns]], dim=1).cpu().numpy()
    distinct = np.unique(merge_keypoints(both, config.distinct_px))
    place_i = features_i.place[rows.cpu().numpy()[distinct]]
    place_j = features_j.place[columns.cpu().numpy()[distinct]]
    return features_i.pixels[place_i], features_j.pixels[place_j]


def _on_device(
    features: AffineFeatures, device: torch.device
) -> tuple[Float[torch.Tensor, "n 128"], Float[torch.Tensor, "n 2"]]:
    """Descriptors, and where they are in the searched photo."""
    where = (features.pixels[features.place] * features.resolution).astype(np.float32)
    return torch.from_numpy(root_sift(features.descriptors)).to(device), torch.from_numpy(where).to(device)
