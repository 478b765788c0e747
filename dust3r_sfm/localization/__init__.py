"""Where new photos were taken, against photos whose cameras are known."""

from dust3r_sfm.localization.config import LocalizationConfig, PreparationConfig
from dust3r_sfm.localization.localizer import Attempt, Localizer
from dust3r_sfm.localization.mapping.mapping import default_folder, prepare
from dust3r_sfm.localization.mapping.reference import DepthMap, KnownPoints, PosedPhoto, Reference
from dust3r_sfm.localization.mapping.reference_map import Prepared
from dust3r_sfm.localization.mapping.reference_sets import read_reference

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
