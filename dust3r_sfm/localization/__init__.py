"""Where new photos were taken, against photos whose cameras are known."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.localization.attempt import Attempt
    from dust3r_sfm.localization.config import LocalizationConfig, PreparationConfig
    from dust3r_sfm.localization.localizer import Localizer
    from dust3r_sfm.localization.mapping.mapping import default_folder, prepare
    from dust3r_sfm.localization.mapping.reference import DepthMap, KnownPoints, PosedPhoto, Reference
    from dust3r_sfm.localization.mapping.reference_map import ReferenceMap
    from dust3r_sfm.localization.mapping.reference_sets import read_reference
    from dust3r_sfm.localization.output import poses_text

__all__ = [
    "Attempt",
    "DepthMap",
    "KnownPoints",
    "LocalizationConfig",
    "Localizer",
    "PosedPhoto",
    "PreparationConfig",
    "Reference",
    "ReferenceMap",
    "default_folder",
    "poses_text",
    "prepare",
    "read_reference",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Attempt": "attempt",
        "DepthMap": "mapping.reference",
        "KnownPoints": "mapping.reference",
        "LocalizationConfig": "config",
        "Localizer": "localizer",
        "PosedPhoto": "mapping.reference",
        "PreparationConfig": "config",
        "Reference": "mapping.reference",
        "ReferenceMap": "mapping.reference_map",
        "default_folder": "mapping.mapping",
        "poses_text": "output",
        "prepare": "mapping.mapping",
        "read_reference": "mapping.reference_sets",
    },
)
