"""The focal that each camera's pairs agree on.

Views of one camera may have been resized or turned differently, so a group's focal is in pixels of
the stored files; a view's own is that times `view_scale`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.geometry.robust import MAD_TO_STD, weighted_median
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.types import View


@dataclass(frozen=True)
class FocalEvidenceConfig:
    """How surely pairs, EXIF and guesses tell a camera's focal. Spreads are standard deviations of its
    logarithm."""

    systematic_spread: float = 1e-3
    """What all pairs of a camera may err by in common: no evidence is trusted beyond it."""
    exif_spread: float = 0.15
    """Of a focal from EXIF: three times what most have, as the pairs may have been measured with its help and
    would count it twice."""
    resections: int = 5
    """Pairs that are asked for the focal of a camera that no pointmap of its own tells."""
    resected_spread: float = 0.03
    """Of what these say."""
    guessed_focal: float = 1.2
    """Focal over long edge where nothing at all is known: a phone's (as COLMAP assumes)."""
    guessed_spread: float = 0.3
    """Of that."""


@dataclass(frozen=True)
class FocalEvidence:
    """For each group the log of the focal in ORIGINAL pixels that its pairs (and, weakly, EXIF) speak
    for, NaN where nothing does, and the `information` (inverse variance) of that log: infinite where the
    focal was given and stays as it is."""

    log_focal: Float[np.ndarray, " groups"]
    information: Float[np.ndarray, " groups"]

    @property
    def given(self) -> Bool[np.ndarray, " groups"]:
        return np.isinf(self.information)

    @property
    def pull(self) -> Float[np.ndarray, " groups"]:
        """Information of the focals that are solved for, 0 of the others."""
        return np.where(self.given, 0.0, self.information)


def focal_evidence(
    views: Sequence[View],
    groups: Sequence[int],
    summaries: Sequence[PairSummary],
    given: Mapping[int, float],
    config: FocalEvidenceConfig,
) -> FocalEvidence:
    """Weighted median over the pairs whose pointmap of image i shows a focal. `given` has the log focals
    (original pixels) of the groups where it is known."""
    logs, weights, members = _opinions(views, groups, summaries)
    count = max(groups) + 1
    log_focal, information = np.full(count, np.nan), np.zeros(count)
    for group in range(count):
        log_values, value_weights = logs[members == group], weights[members == group]
        if len(log_values) == 0:
            continue
        middle = weighted_median(log_values, value_weights)
        spread = MAD_TO_STD * weighted_median(np.abs(log_values - middle), value_weights)
        log_focal[group] = middle
        statistical = 1.0 / value_weights.sum() + spread**2 / len(log_values)
        information[group] = 1.0 / (statistical + config.systematic_spread**2)
    evidence = _add_exif(views, groups, FocalEvidence(log_focal, information), config)
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for group, value in given.items():
        log_focal[group], information[group] = value, np.inf
    return FocalEvidence(log_focal, information)


def _opinions(
    views: Sequence[View], groups: Sequence[int], summaries: Sequence[PairSummary]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """log focal in original pixels, its statistical information, and its group, of every pair."""
    telling = [s for s in summaries if s.focal_i is not None]
    logs = np.array([np.log((s.focal_i or 1.0) / view_scale(views[s.pair.i])) for s in telling])
    information = np.array([1.0 / (s.focal_spread_i**2 + 1e-8) for s in telling])
    return logs, information, np.array([groups[s.pair.i] for s in telling], dtype=np.int64)


def _add_exif(
    views: Sequence[View], groups: Sequence[int], evidence: FocalEvidence, config: FocalEvidenceConfig
) -> FocalEvidence:
    """Adds EXIF focals as a weak opinion, the only one where no pair has any."""
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for group in range(len(log_focal)):
        said = [
            np.log(view.exif_focal_px / view_scale(view))
            for view, member in zip(views, groups, strict=True)
            if member == group and view.exif_focal_px
        ]
        if not said:
            continue
        weak = 1.0 / config.exif_spread**2
        known = 0.0 if np.isnan(log_focal[group]) else log_focal[group]
        total = information[group] + weak
        log_focal[group] = (information[group] * known + weak * float(np.median(said))) / total
        information[group] = total
    return FocalEvidence(log_focal, information)
