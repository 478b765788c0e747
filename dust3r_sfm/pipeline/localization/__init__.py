"""Where a folder of photos was taken, against a set of references, and the files that say so."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.pipeline.localization.choices import Outputs
    from dust3r_sfm.pipeline.localization.config import LocalizeConfig
    from dust3r_sfm.pipeline.localization.inputs import Queries, find_queries
    from dust3r_sfm.pipeline.localization.outputs import Localized
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LocalizeConfig": "config",
        "Localized": "outputs",
        "Outputs": "choices",
        "Queries": "inputs",
        "find_queries": "inputs",
        "localize_photos": "run",
        "prepare_reference": "run",
    },
)
