"""Which pairs may show no more than a turn of the camera, when nobody knows its focal yet.

A camera that turns on the spot and a plane both give a homography. It is a turn's if K^-1 H K is a rotation
for the right focal, and the right one is what such pairs cannot tell (R. Hartley, "Self-calibration of
stationary cameras", IJCV 22, 1997). So the question is whether some one focal makes turns of all of them.
What can speak against it is parallax: matches off the homography that lie on common epipolar lines all the
same, where those of a turn are mere mistakes (plane plus parallax: M. Irani and P. Anandan, 1996)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.geometry.turning import fit_rotation
from dust3r_sfm.geometry.view_cameras import principal_point
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar
from dust3r_sfm.types import Correspondences, Pair, View


@dataclass(frozen=True)
class TurnConfig:
    """When pairs are taken for turns of the camera on the spot."""

    relative_focals: tuple[float, ...] = tuple(float(f) for f in np.geomspace(0.4, 2.5, 24))
    """Focals over the long edge that are tried: from 103 to 23 degrees of view. With longer ones a shift
    looks like a turn too, so that the last one is believed of no set."""
    min_homography_share: float = 0.8
    """Epipolar inliers that one homography explains too, from which on a pair may be a plane or a turn."""
    min_share: float = 0.8
    """Matches of the homography that the turn explains, at one focal for all pairs."""
    max_error_px: float = 4.0
    """Error of a match that the turn explains, in pixels of the searched pictures."""
    min_parallax: int = 15
    """Matches off the homography that fit the pair's epipolar geometry, from which on they may be
    parallax."""
    min_parallax_share: float = 0.5
    """Of all matches off the homography. Chance puts one in a hundred onto its epipolar line, and the choice
    of the epipole a few more."""
    most_matches: int = 300
    """Of a pair that are looked at: evenly chosen, they tell as much as all."""
    min_telling_matches: int = 50
    """Matches of the homography of a pair that is asked whether the whole set only turns."""
    min_telling_shift: float = 0.08
    """Their median shift, over the long edge: small ones are turns as well as anything."""
    min_telling_pairs: int = 3
    """Such pairs that there must be."""
    telling_share: float = 0.95
    """Matches that the turn explains of a pair that surely is one. In sets whose cameras move, one pair in
    fifteen has that at the focal that suits them best; where they only turn, half to all."""
    min_telling_share: float = 0.5
    """Of these pairs that surely are turns, for the set to be one of turns."""


@dataclass(frozen=True)
class Turns:
    """Pairs that a turn explains; and pairs of views that only turns join, which yet seem to tell more: as
    one can come from the one view to the other by turning, they mistook something (repeated windows,
    say)."""

    turning: frozenset[Pair]
    mistaken: frozenset[Pair]


@dataclass(frozen=True)
class _Candidate:
    """A pair, its matches that one homography explains, how far these shift over the long edge, and for each
    focal the share of them that a turn explains."""

    pair: Pair
    matches: int
    shift: float
    shares: Float[np.ndarray, " focals"]


def find_turns(
    views: Sequence[View],
    features: Sequence[Features],
    matches: Mapping[Pair, Correspondences],
    epipolar: Mapping[Pair, Epipolar],
    config: TurnConfig,
) -> Turns:
    """At the focal (over the long edge, the same for all photos) at which turns explain most of all pairs.
    Costs two dozen rotation fits a pair."""
    every = {
        pair: _candidate(pair, views, features, matches[pair], found.homography, config)
        for pair, found in epipolar.items()
    }
    telling = [
        c
        for c in every.values()
        if c.matches >= config.min_telling_matches and c.shift >= config.min_telling_shift
    ]
    if len(telling) >= config.min_telling_pairs:
        best = _best_focal(telling)
        sure = [c.pair for c in telling if c.shares[best] >= config.telling_share]
        believed = best < len(config.relative_focals) - 1
        if believed and len(sure) >= config.min_telling_share * len(telling):
            return _all_turns(len(views), every, sure, best, config)
    doubtful = [
        every[pair]
        for pair, found in epipolar.items()
        if found.homography_share >= config.min_homography_share and not shows_parallax(found, config)
    ]
    if not doubtful:
        return Turns(frozenset(), frozenset())
    best = _best_focal(doubtful)
    return Turns(frozenset(c.pair for c in doubtful if c.shares[best] >= config.min_share), frozenset())


def _best_focal(candidates: Sequence[_Candidate]) -> int:
    weights = np.sqrt([c.matches for c in candidates])
    return int(np.argmax(weights @ np.stack([c.shares for c in candidates])))


def _all_turns(
    num_views: int, every: Mapping[Pair, _Candidate], sure: Sequence[Pair], best: int, config: TurnConfig
) -> Turns:
    ends = np.array([(pair.i, pair.j) for pair in sure], dtype=np.int64)
    labels = label_components(ends[:, 0], ends[:, 1], num_views)
    turning = {pair for pair, c in every.items() if c.shares[best] >= config.min_share}
    joined = {pair for pair in every if labels[pair.i] == labels[pair.j]}
    return Turns(frozenset(turning), frozenset(joined - turning))


def shows_parallax(found: Epipolar, config: TurnConfig) -> bool:
    """Whether matches off the homography agree with each other, and so were not mistaken."""
    share = found.off_plane_inliers / max(found.off_plane, 1)
    return found.off_plane_inliers >= config.min_parallax and share >= config.min_parallax_share


def _candidate(
    pair: Pair,
    views: Sequence[View],
    features: Sequence[Features],
    found: Correspondences,
    homography: Float[np.ndarray, "3 3"],
    config: TurnConfig,
) -> _Candidate:
    view_i, view_j = views[pair.i], views[pair.j]
    pixels_i = (found.pixels_i - principal_point(view_i)) * features[pair.i].resolution
    pixels_j = (found.pixels_j - principal_point(view_j)) * features[pair.j].resolution
    rows = np.flatnonzero(_transfer_errors_px(homography, pixels_i, pixels_j) < config.max_error_px)
    edge_i = max(view_i.size) * features[pair.i].resolution
    edge_j = max(view_j.size) * features[pair.j].resolution
    if not len(rows):
        return _Candidate(pair, 0, 0.0, np.zeros(len(config.relative_focals)))
    shift = np.linalg.norm(pixels_i[rows] / edge_i - pixels_j[rows] / edge_j, axis=1)
    few = rows[np.linspace(0, len(rows) - 1, min(len(rows), config.most_matches)).astype(np.int64)]
    shares = [
        _turn_share(pixels_i[few], pixels_j[few], relative * edge_i, relative * edge_j, config)
        for relative in config.relative_focals
    ]
    return _Candidate(pair, len(rows), float(np.median(shift)), np.array(shares))


def _turn_share(
    pixels_i: Float[np.ndarray, "n 2"],
    pixels_j: Float[np.ndarray, "n 2"],
    focal_i_px: float,
    focal_j_px: float,
    config: TurnConfig,
) -> float:
    """Matches (centred pixels) that the rotation which suits them best explains."""
    rays_i, rays_j = _rays(pixels_i, focal_i_px), _rays(pixels_j, focal_j_px)
    bound = config.max_error_px / focal_j_px
    rotation = fit_rotation(rays_i, rays_j, np.ones(len(rays_i)), bound)[0]
    turned = rays_i @ rotation.T
    seen = focal_j_px * turned[:, :2] / np.maximum(turned[:, 2:], 1e-3)
    return float(np.mean(np.linalg.norm(seen - pixels_j, axis=1) < config.max_error_px))


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
