"""Global alignment: all pairs of a view graph in one world, solved rather than descended."""

from dust3r_sfm.alignment.align import align
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.known_cameras import Presets, views_with_known_focals

__all__ = ["AlignmentConfig", "Presets", "align", "views_with_known_focals"]
