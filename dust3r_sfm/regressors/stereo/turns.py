"""Which pairs may show no more than a turn of the camera, when nobody knows its focal yet.

A camera that turns on the spot and a plane both give a homography. It is a turn's if K^-1 H K is a rotation for the
right focal, and the right one is what such pairs cannot tell (R. Hartley, "Self-calibration of
stationary cameras", IJCV 22, 1997). So the question is whether some one focal makes turns of all of them.
What can speak against it is parallax: matches off the homography that lie on common epipolar lines all the
same, where those of a turn are mere mistakes (plane plus parallax: M. Irani and P. Anandan, 1996).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.turning import fitted_rotation
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar
from dust3r_sfm.types import Correspondences, Pair, View


@dataclass(frozen=True)
class TurnConfig:
    """When pairs that one homography explains are taken for turns of the camera."""

    relative_focals: tuple[float, ...] = tuple(float(f) for f in np.geomspace(0.4, 4.0, 24))
    """Focals over the long edge that are tried: from 103 to 14 degrees of view."""
    min_homography_share: float = 0.8
    """Epipolar inliers that one homography explains too, from which on a pair may be a plane or a turn."""
    min_share: float = 0.8
    """Matches of the homography that the turn explains, at one focal for all pairs."""
    max_error_px: float = 4.0
    """Error of a match that the turn explains, in pixels of the searched pictures."""
    min_parallax: int = 15
    """Matches off the homography that fit the pair's epipolar geometry, from which on they may be parallax."""
    min_parallax_share: float = 0.5
    """Of all matches off the homography. Chance puts one in a hundred onto its epipolar line, and the choice of
    the epipole a few more."""
    most_matches: int = 300
    """Of a pair that are looked at: evenly chosen, they tell as much as all."""


def turning_pairs(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    epipolar: Mapping[Pair, Epipolar],
    config: TurnConfig,
) -> frozenset[Pair]:
    """Pairs that a turn explains at the focal (over the long edge, the same for all photos) at which turns
    explain most of all. Costs two dozen rotation fits a pair that one homography explains."""
    doubtful = [
        pair
        for pair, found in epipolar.items()
        if found.homography_share >= config.min_homography_share and not shows_parallax(found, config)
    ]
    if not doubtful:
        return frozenset()
    shares = np.stack(
        [
            _turn_shares(pair, views, features, matches[pair], epipolar[pair].homography, config)
            for pair in doubtful
        ]
    )
    weights = np.sqrt([epipolar[pair].inliers for pair in doubtful])
    best = int(np.argmax(weights @ shares))
    return frozenset(
        pair for pair, share in zip(doubtful, shares[:, best], strict=True) if share >= config.min_share
    )


def shows_parallax(found: Epipolar, config: TurnConfig) -> bool:
    """Whether matches off the homography agree with each other, and so were not mistaken."""
    share = found.off_plane_inliers / max(found.off_plane, 1)
    return found.off_plane_inliers >= config.min_parallax and share >= config.min_parallax_share


def _turn_shares(
    pair: Pair,
    views: Sequence[View],
    features: Sequence[Features],
    found: Correspondences,
    homography: Float[np.ndarray, "3 3"],
    config: TurnConfig,
) -> Float[np.ndarray, " focals"]:
    """For each focal the share of the homography's matches that a rotation explains."""
    view_i, view_j = views[pair.i], views[pair.j]
    pixels_i = (found.pixels_i - principal_point(view_i)) * features[pair.i].resolution
    pixels_j = (found.pixels_j - principal_point(view_j)) * features[pair.j].resolution
    rows = np.flatnonzero(_transfer_errors_px(homography, pixels_i, pixels_j) < config.max_error_px)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), config.most_matches)).astype(np.int64)]
    if not len(rows):
        return np.zeros(len(config.relative_focals))
    edge_i = max(view_i.size) * features[pair.i].resolution
    edge_j = max(view_j.size) * features[pair.j].resolution
    shares = []
    for relative in config.relative_focals:
        rays_i, rays_j = _rays(pixels_i[rows], relative * edge_i), _rays(pixels_j[rows], relative * edge_j)
        bound = config.max_error_px / (relative * edge_j)
        rotation = fitted_rotation(rays_i, rays_j, np.ones(len(rows)), bound)[0]
        turned = rays_i @ rotation.T
        seen = relative * edge_j * turned[:, :2] / np.maximum(turned[:, 2:], 1e-3)
        error_px = np.linalg.norm(seen - pixels_j[rows], axis=1)
        shares.append(float(np.mean(error_px < config.max_error_px)))
    return np.array(shares)


def _rays(centred_px: Float[np.ndarray, "n 2"], focal_px: float) -> Float[np.ndarray, "n 3"]:
    rays = np.column_stack([centred_px / focal_px, np.ones(len(centred_px))])
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)


def _transfer_errors_px(
    homography: Float[np.ndarray, "3 3"],
    pixels_i: Float[np.ndarray, "n 2"],
    pixels_j: Float[np.ndarray, "n 2"],
) -> Float[np.ndarray, " n"]:
    seen = np.column_stack([pixels_i, np.ones(len(pixels_i))]) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.linalg.norm(seen[:, :2] / seen[:, 2:] - pixels_j, axis=1), nan=np.inf)
