"""How much memory a run is going to take, and how much it may."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from dust3r_sfm.alignment.gradient.objective import BYTES_A_PIXEL_AND_PAIR
from dust3r_sfm.errors import InputError
from dust3r_sfm.images.framing import fit_size
from dust3r_sfm.parallel import num_workers
from dust3r_sfm.pipeline.config import ReconstructConfig
from dust3r_sfm.regressors.network import NetworkRegressorConfig
from dust3r_sfm.regressors.stereo.features import FeatureConfig
from dust3r_sfm.types import View
from dust3r_sfm.view_graph import ViewGraph

LIBRARIES = 400 * 2**20
"""Of a process that has loaded torch, pycolmap and scipy."""
LEAST_FOR_LOADING = 64 * 2**20
"""Photos are read with so much at least: what a run needs is known when they are."""
SEARCHED_PIXEL = 90
"""Bytes a pixel of a picture that is searched for features, on each core: 75 to 85 were measured."""
ENCODING = 3 * 2**20
"""Of what is kept of each photo between its search and its pairs: a network's tokens, the most there are."""
SWEPT_PIXEL = 540
"""Bytes a pixel of a view in dense stereo, on each core: the sweep, and results that wait to be taken."""
VIEW_PIXEL = 14
"""Bytes of a view's pixel: the image, fused depth and confidence, a mask."""
FUSED_PIXEL = 120
"""Bytes a pixel of each view that is being fused: one a core."""
SAMPLE, MATCH, CORRESPONDENCE = 24, 28, 120
"""Bytes that a pair's samples, its matches that are solved with, and those that go into tracks take, as
evidence and in bundle adjustment."""
TYPICAL_CORRESPONDENCES = 1000
"""A pair's, over all pairs of a set: neighbours have thousands, most have few."""


def expected_bytes(views: Sequence[View], graph: ViewGraph, config: ReconstructConfig) -> int:
    """Of a run on these pairs: right within a factor of two, as photos differ in what they show."""
    pixels = [view.size[0] * view.size[1] for view in views]
    encodings = min(config.inference.encoding_bytes // 4, ENCODING * len(views))
    total = LIBRARIES + VIEW_PIXEL * sum(pixels) + encodings
    if isinstance(config.regressor, NetworkRegressorConfig):
        total += config.regressor.token_cache if config.regressor.device == "cpu" else 0
    else:
        searched = max(_searched_pixels(view, config.regressor.features) for view in views)
        total += num_workers() * max(SEARCHED_PIXEL * searched, SWEPT_PIXEL * max(pixels))
    if config.gradient is not None:
        largest = max(pixels)
        return total + BYTES_A_PIXEL_AND_PAIR * largest * len(graph.pairs)
    kept = config.inference.evidence
    correspondences = min(kept.max_correspondences, TYPICAL_CORRESPONDENCES)
    a_pair = SAMPLE * kept.samples + MATCH * kept.matches + CORRESPONDENCE * correspondences
    return total + FUSED_PIXEL * num_workers() * max(pixels) + a_pair * len(graph.pairs)


def _searched_pixels(view: View, config: FeatureConfig) -> int:
    width, height = fit_size(view.original_size, config.long_edge_px)
    # Twice as many each way where photos are small.
    return width * height * (4 if max(width, height) < config.fine_below_px else 1)


def allowed_bytes(max_memory_gib: float | None) -> int:
    """What was asked for, else what the machine has. Raises InputError for what cannot be."""
    if max_memory_gib is None:
        return machine_bytes()
    if not 0 < max_memory_gib < float("inf"):
        raise InputError(f"the most memory is given as {max_memory_gib} GiB: give a positive number")
    return int(max_memory_gib * 2**30)


def machine_bytes() -> int:
    """Physical memory; more than any machine has where the system does not tell."""
    if sys.platform == "win32":
        return 2**50
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def loading_bytes(allowed: int) -> int:
    """What decoding photos may take before anything else does."""
    return max(allowed - LIBRARIES, LEAST_FOR_LOADING)


def within_memory(config: ReconstructConfig, allowed: int) -> ReconstructConfig:
    """With no more held in memory than the run can do with on so much: the rest waits on disk."""
    share = min(config.inference.encoding_bytes, allowed // 8)
    maps = min(config.inference.map_bytes, allowed // 8)
    return replace(config, inference=replace(config.inference, encoding_bytes=share, map_bytes=maps))


def check_memory(expected: int, allowed: int, config: ReconstructConfig) -> None:
    """Raises InputError for a run that is sure not to fit."""
    if expected <= allowed:
        return
    remedy = (
        "leave out --alignment gradient, which keeps every pixel of every pair"
        if config.gradient is not None
        else "compare fewer pairs (--pairs swin-5, retrieval-8), or give fewer photos"
    )
    raise InputError(
        f"this would take about {expected / 2**30:.1f} GiB of memory, and {allowed / 2**30:.1f} may be used: "
        f"{remedy}"
    )
