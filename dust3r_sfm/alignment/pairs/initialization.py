"""From evidence to the edges that are solved: summaries, cameras, relative poses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.known_cameras import (
    Known,
    known_log_focals,
    known_of_views,
    solved_matches,
    solved_pixels,
    split_groups,
)
from dust3r_sfm.alignment.pairs.focals import FocalEvidence, focal_evidence
from dust3r_sfm.alignment.pairs.relative_pose import Measurement, measure
from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.evidence import Evidence, PairSummary
from dust3r_sfm.evidence.summary import sample_pixels
from dust3r_sfm.geometry.resection import focal_by_resection
from dust3r_sfm.geometry.view_cameras import view_camera, view_scale
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Camera, Correspondences, Pair, View

RESECTIONS = 5
"""Pairs asked for the focal of a camera that no pointmap of its own tells."""
RESECTED_SPREAD, GUESSED_SPREAD = 0.03, 0.3
GUESSED_FOCAL = 1.2
"""Focal over long edge where nothing at all is known: a phone's."""


@dataclass(frozen=True)
class Start:
    """All that is known before anything is solved together. `pixels` are each view's samples, and matches of
    what was `measured`, as ideal cameras would see them (see `presets.solved_pixels`)."""

    summaries: tuple[PairSummary, ...]
    correspondences: Mapping[Pair, Correspondences]
    pixels: Float[np.ndarray, "n samples 2"]
    groups: tuple[int, ...]
    evidence: FocalEvidence
    known: Known
    measured: tuple[Measurement, ...]
    unusable: Mapping[Pair, str]


def gather(views: Sequence[View], evidence: Evidence, config: AlignmentConfig, progress: Progress) -> Start:
    """What follows for each pair on its own, and from all pairs for the cameras."""
    summaries = evidence.summaries
    pixels = np.stack([sample_pixels(view, len(summaries[0].depth_i)) for view in views])
    known = known_of_views(views, config.presets)
    groups = split_groups(group_cameras(views, config.cameras), known, views)
    focals = focal_evidence(views, groups, summaries, known_log_focals(groups, known, views))
    focals = _completed(focals, views, groups, summaries, pixels, config.seed)
    cameras = [
        camera or view_camera(view, float(np.exp(focals.log_focal[group])) * view_scale(view))
        for view, group, camera in zip(views, groups, known.cameras, strict=True)
    ]
    measured, unusable = measure(
        summaries, list(pixels), cameras, evidence.correspondences, config.seed, progress
    )
    return Start(
        summaries,
        evidence.correspondences,
        np.stack([solved_pixels(*row) for row in zip(pixels, views, known.cameras, strict=True)]),
        groups,
        focals,
        known,
        tuple(_as_solved(m, views, known) for m in measured),
        unusable,
    )


def _as_solved(measured: Measurement, views: Sequence[View], known: Known) -> Measurement:
    """With matches as ideal cameras would see them, where the real ones are known."""
    summary, (i, j) = measured.summary, (measured.pair.i, measured.pair.j)
    if known.cameras[i] is None and known.cameras[j] is None:
        return measured
    matches = solved_matches(summary.matches, views[i], views[j], known.cameras[i], known.cameras[j])
    return replace(measured, summary=replace(summary, matches=matches))


def _completed(
    evidence: FocalEvidence,
    views: Sequence[View],
    groups: Sequence[int],
    summaries: Sequence[PairSummary],
    pixels: Float[np.ndarray, "n samples 2"],
    seed: int,
) -> FocalEvidence:
    """Focals for groups without evidence: by resection of their views, or a guess that weighs little."""
    log_focal, information = evidence.log_focal.copy(), evidence.information.copy()
    for group in np.flatnonzero(np.isnan(log_focal)).tolist():
        asked = [s for s in summaries if groups[s.pair.j] == group]
        asked = sorted(asked, key=lambda s: -float(s.weights_j.sum()))[:RESECTIONS]
        found = [f for s in asked if (f := _resected_focal(s, views[s.pair.j], pixels[s.pair.j], seed))]
        if found:
            log_focal[group], information[group] = np.log(np.median(found)), RESECTED_SPREAD**-2
        else:
            member = views[groups.index(group)]
            log_focal[group] = np.log(GUESSED_FOCAL * max(member.original_size))
            information[group] = GUESSED_SPREAD**-2
    return FocalEvidence(log_focal, information)


def _resected_focal(
    summary: PairSummary, view: View, pixels: Float[np.ndarray, "samples 2"], seed: int
) -> float | None:
    """Focal of view j in original pixels, from its points in camera i's frame."""
    known = summary.weights_j > 0
    camera: Camera = view_camera(view, GUESSED_FOCAL * max(view.size))
    points = summary.points_j[known].astype(np.float64)
    found = focal_by_resection(points, pixels[known], camera, seed) if known.any() else None
    return None if found is None else found / view_scale(view)
