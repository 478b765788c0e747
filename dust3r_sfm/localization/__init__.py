"""Where new photos were taken, against photos whose cameras are known."""

from dust3r_sfm.localization.config import LocalizationConfig, PreparationConfig
from dust3r_sfm.localization.localizer import Attempt, Localizer
from dust3r_sfm.localization.prepared import Prepared
from dust3r_sfm.localization.preparing import default_folder, prepare
from dust3r_sfm.localization.reference import DepthMap, KnownPoints, PosedPhoto, Reference
from dust3r_sfm.localization.sets import read_reference

__all__ = [
    "Attempt",
    "DepthMap",
    "KnownPoints",
    "LocalizationConfig",
    "Localizer",
    "PosedPhoto",
    "PreparationConfig",
    "Prepared",
    "Reference",
    "default_folder",
    "prepare",
    "read_reference",
]
