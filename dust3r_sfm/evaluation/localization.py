"""How far localized photos are from their true poses, in one world with the truth.

A photo without a pose counts as infinitely far off. A recall is the share of photos within a distance AND
an angle, as in the visual localization benchmarks (Sattler et al. 2018).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.evaluation.photos import match_names
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.geometry.transforms import camera_centre
from dust3r_sfm.io.colmap_model import PosedCamera
from dust3r_sfm.types import Rigid


@dataclass(frozen=True)
class LocalizationScores:
    """How far localized photos are from the truth; one without a pose is infinitely far."""

    queries: int
    """How many photos were to be localized."""
    answered: int
    """How many of them have a pose."""
    median_cm: float | None
    """Distance from the true centre in centimetres, over all queries; None where half or more have no
    pose."""
    median_deg: float | None
    """The same of the angle between the rotations, in degrees."""
    recall_1cm_1deg: float
    """Share of queries within 1 cm and 1 degree."""
    recall_2cm_2deg: float
    """Share within 2 cm and 2 degrees."""
    recall_5cm_5deg: float
    """Share within 5 cm and 5 degrees."""
    recall_25cm_2deg: float
    """Share within 0.25 m and 2 degrees."""
    recall_50cm_5deg: float
    """Share within 0.5 m and 5 degrees."""


def score_localization(
    estimated: Mapping[str, Rigid],
    truth: Mapping[str, PosedCamera],
    queries: Iterable[str] | None = None,
    unit_cm: float = 100.0,
) -> LocalizationScores:
    """Of `queries`, or of all photos of the truth. `estimated` is cam_from_world by name, `unit_cm` how many
    centimetres one unit of the truth is. Raises InputError for a query that the truth does not have."""
    names = sorted(truth) if queries is None else list(queries)
    asked = {name: photo.cam_from_world for name, photo in _true_photos(names, truth).items()}
    found = match_names(estimated, asked)
    distance_cm, angle_deg = np.full(len(names), np.inf), np.full(len(names), np.inf)
    for row, name in enumerate(names):
        if name in found:
            off = camera_centre(found[name]) - camera_centre(asked[name])
            distance_cm[row] = np.linalg.norm(off) * unit_cm
            angle_deg[row] = rotation_angle_deg(asked[name][:3, :3].T @ found[name][:3, :3])

    def recall(most_cm: int, most_deg: int) -> float:
        return float(((distance_cm <= most_cm) & (angle_deg <= most_deg)).mean())

    return LocalizationScores(
        queries=len(names),
        answered=len(found),
        median_cm=_finite(np.median(distance_cm)),
        median_deg=_finite(np.median(angle_deg)),
        recall_1cm_1deg=recall(1, 1),
        recall_2cm_2deg=recall(2, 2),
        recall_5cm_5deg=recall(5, 5),
        recall_25cm_2deg=recall(25, 2),
        recall_50cm_5deg=recall(50, 5),
    )


def _true_photos(names: list[str], truth: Mapping[str, PosedCamera]) -> dict[str, PosedCamera]:
    true = match_names(truth, dict.fromkeys(names))
    missing = [name for name in names if name not in true]
    if missing or not names:
        what = f"has no photo '{missing[0]}'" if missing else "has no photos to ask for"
        raise InputError(f"the true model {what}; give a truth that holds every query")
    return true


def _finite(value: np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None
