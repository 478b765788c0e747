"""Which views are shown to the regressor together: small configs, and the directed pairs they ask for."""

from dust3r_sfm.view_graph.building import view_graph
from dust3r_sfm.view_graph.config import (
    Automatic,
    Complete,
    GraphConfig,
    LogWindow,
    NamedGraphConfig,
    OneReference,
    PairsFile,
    Retrieval,
    SlidingWindow,
)
from dust3r_sfm.view_graph.graph import ViewGraph, graph_of_pairs
from dust3r_sfm.view_graph.text_form import parse_graph

__all__ = [
    "Automatic",
    "Complete",
    "GraphConfig",
    "LogWindow",
    "NamedGraphConfig",
    "OneReference",
    "PairsFile",
    "Retrieval",
    "SlidingWindow",
    "ViewGraph",
    "graph_of_pairs",
    "parse_graph",
    "view_graph",
]
