"""Work for the complete graph of 10 images, encoded once, against the published two encodings a pair."""

from functools import cache

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.config import DUST3R_512_DPT, DUST3R_512_LINEAR, MAST3R_512, SMALL

GRID = (24, 32)
CONTRACT_GFLOPS = {"two encodings": 1046, "decoders": 437, "heads": 373}
"""Counted of the published DUSt3R-512-DPT at 512 x 384 (CONTRACT.md, section 7)."""


@cache
def gflops(config):
    """Of encoding one image, and of decoding one directed pair, at 512 x 384."""
    with torch.device("meta"):
        network = network_from_config(config)
    tokens = torch.empty(1, 24 * 32, config.enc_embed_dim, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as encoding:
        network.encode(torch.empty(1, 3, 384, 512, device="meta"))
    with torch.no_grad(), FlopCounterMode(display=False) as decoding:
        network.decode(tokens, tokens, GRID, GRID)
    return encoding.get_total_flops() / 1e9, decoding.get_total_flops() / 1e9


@pytest.mark.parametrize(
    ("config", "limit"),
    [(SMALL, 0.48), (DUST3R_512_DPT, 0.48), (DUST3R_512_LINEAR, 0.34), (MAST3R_512, 0.52)],
    ids=["small", "512 dpt", "512 linear", "mast3r"],
)
def test_complete_graph_of_ten(config, limit):
    encoding, decoding = gflops(config)
    pairs = 10 * 9
    assert (10 * encoding + pairs * decoding) / (2 * pairs * encoding + pairs * decoding) <= limit


def test_counts_are_those_of_the_published_network():
    """Less the three quarters saved of the DPT's four 1 x 1 convolutions in either view."""
    encoding, decoding = gflops(DUST3R_512_DPT)
    out_convs = sum(2 * 256 * 256 * (24 * 2**k) * (32 * 2**k) for k in range(4)) / 1e9
    saved = 2 * 0.75 * out_convs
    assert 2 * encoding == pytest.approx(CONTRACT_GFLOPS["two encodings"], abs=1)
    assert decoding + saved == pytest.approx(CONTRACT_GFLOPS["decoders"] + CONTRACT_GFLOPS["heads"], abs=1)
