"""Photos to scenes and files in one call."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.pipeline.config import ExportConfig, ReconstructConfig
    from dust3r_sfm.pipeline.export import export_scene, load_saved_scene
    from dust3r_sfm.pipeline.known.config import KnownCameras, KnownDistance, KnownWorld
    from dust3r_sfm.pipeline.output import Existing
    from dust3r_sfm.pipeline.plan import Plan
    from dust3r_sfm.pipeline.run import reconstruct, reconstruct_all

__all__ = [
    "Existing",
    "ExportConfig",
    "KnownCameras",
    "KnownDistance",
    "KnownWorld",
    "Plan",
    "ReconstructConfig",
    "export_scene",
    "load_saved_scene",
    "reconstruct",
    "reconstruct_all",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Existing": "output",
        "ExportConfig": "config",
        "KnownCameras": "known.config",
        "KnownDistance": "known.config",
        "KnownWorld": "known.config",
        "Plan": "plan",
        "ReconstructConfig": "config",
        "export_scene": "export",
        "load_saved_scene": "export",
        "reconstruct": "run",
        "reconstruct_all": "run",
    },
)
