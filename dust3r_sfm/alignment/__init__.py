"""Global alignment: all pairs of a view graph in one world, solved rather than descended."""

from dust3r_sfm.alignment.align import align
from dust3r_sfm.alignment.config import AlignmentConfig

__all__ = ["AlignmentConfig", "align"]
