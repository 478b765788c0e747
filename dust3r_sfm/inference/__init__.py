"""Views and a graph in, what all pairs say of the views out, in memory that is bounded."""

from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.inference.content import content_hash
from dust3r_sfm.inference.measuring import measure_pairs

__all__ = ["InferenceConfig", "content_hash", "measure_pairs"]
