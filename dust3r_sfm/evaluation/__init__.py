"""How far estimated poses are from true ones: of a reconstruction, whose world is its own, and of localized
photos, which are in the world of the truth."""

from dust3r_sfm.evaluation.localization import LocalizationScores, score_localization
from dust3r_sfm.evaluation.photos import match_names
from dust3r_sfm.evaluation.reconstruction import (
    PoseScores,
    pair_errors_deg,
    relative_centre_error,
    score_poses,
    true_from_estimated,
)
from dust3r_sfm.io.colmap_model import PosedCamera, read_posed_cameras

__all__ = [
    "LocalizationScores",
    "PoseScores",
    "PosedCamera",
    "match_names",
    "pair_errors_deg",
    "read_posed_cameras",
    "relative_centre_error",
    "score_localization",
    "score_poses",
    "true_from_estimated",
]
