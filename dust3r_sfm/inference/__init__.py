"""Views and a graph in, what all pairs say of the views out, in memory that is bounded."""

from dust3r_sfm.inference.cache_keys import content_hash
from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.inference.encodings import encode_all
from dust3r_sfm.inference.global_descriptors import global_descriptors, require_descriptors
from dust3r_sfm.inference.measuring import measure_pairs

__all__ = [
    "InferenceConfig",
    "content_hash",
    "encode_all",
    "global_descriptors",
    "measure_pairs",
    "require_descriptors",
]
