"""Which photos look alike: one descriptor each, nearest neighbours, and pairs that hang together."""

from dust3r_sfm.retrieval.search import Neighbours, SearchConfig, diverse_neighbours, nearest_neighbours
from dust3r_sfm.retrieval.similarity_graph import similarity_pairs
from dust3r_sfm.retrieval.vlad import Vlad, VladConfig, fit_vlad

__all__ = [
    "Neighbours",
    "SearchConfig",
    "Vlad",
    "VladConfig",
    "diverse_neighbours",
    "fit_vlad",
    "nearest_neighbours",
    "similarity_pairs",
]
