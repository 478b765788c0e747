"""Photos to scenes and files in one call."""

from dust3r_sfm.pipeline.config import ExportConfig, ReconstructConfig
from dust3r_sfm.pipeline.output import Existing
from dust3r_sfm.pipeline.plan import Plan
from dust3r_sfm.pipeline.run import reconstruct, reconstruct_all

__all__ = ["Existing", "ExportConfig", "Plan", "ReconstructConfig", "reconstruct", "reconstruct_all"]
