"""Matching pixels of two images, out of dense descriptors or out of two pointmaps in one frame."""

from dust3r_sfm.matching.config import MatchingConfig
from dust3r_sfm.matching.descriptors import match_descriptor_maps
from dust3r_sfm.matching.pointmaps import match_pointmaps

__all__ = ["MatchingConfig", "match_descriptor_maps", "match_pointmaps"]
