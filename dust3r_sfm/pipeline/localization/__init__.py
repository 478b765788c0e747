"""Where a folder of photos was taken, against a set of references, and the files that say so."""

from dust3r_sfm.pipeline.localization.config import LocalizeConfig
from dust3r_sfm.pipeline.localization.inputs import Queries, find_queries
from dust3r_sfm.pipeline.localization.outputs import Localized, Outputs
from dust3r_sfm.pipeline.localization.run import localize_photos, prepare_reference

__all__ = [
    "LocalizeConfig",
    "Localized",
    "Outputs",
    "Queries",
    "find_queries",
    "localize_photos",
    "prepare_reference",
]
