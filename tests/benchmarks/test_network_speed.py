"""The schedules that are compared do the work they stand for."""

from dataclasses import replace

import pytest
import torch

from benchmarks.network_parts import share_of_published
from benchmarks.network_speed import (
    FP32,
    ON_CPU,
    Flops,
    Options,
    Speed,
    count_flops,
    measure,
    report,
    run_graph,
)
from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.config import SMALL, LinearHeadConfig

TINY = replace(
    ON_CPU,
    config=replace(SMALL, enc_depth=1, dec_depth=1, head=LinearHeadConfig()),
    height=32,
    width=48,
)
IMAGES = torch.zeros(4, 3, 32, 48)


@pytest.mark.parametrize(("schedule", "encodings"), [("ours", 4), ("published", 24)])
@pytest.mark.parametrize("batch", [1, 5, 100])
def test_images_encoded_and_pairs_decoded(schedule, encodings, batch):
    network, encoded, decoded = network_from_config(TINY.config), [], []
    network.patch_embed.register_forward_hook(lambda _, inputs, output: encoded.append(len(output)))
    network.downstream_head2.register_forward_hook(lambda _, inputs, output: decoded.append(len(output)))
    run_graph(schedule, network, IMAGES, batch)
    assert sum(encoded) == encodings
    assert sum(decoded) == 12
    assert max(decoded) == min(batch, 12)


def test_report():
    network, flops = network_from_config(TINY.config), count_flops(TINY)
    rows = [
        measure(Speed(schedule, FP32.name, 4), network, IMAGES, 0.01, flops)
        for schedule in ("published", "ours")
    ]
    written = report(TINY, Options(images=4), torch.device("cpu"), flops, rows)
    assert written["speed_up"] == pytest.approx(rows[1].pairs_per_s / rows[0].pairs_per_s)
    assert not written["full_network_on_cuda"]
    assert all(row.peak_mib > 0 for row in rows)
    ours = 4 * (flops.encode + flops.prepare) + 12 * flops.decode
    share = ours / (24 * flops.encode + 12 * (flops.prepare + flops.decode))
    assert written["share_of_published_flops"] == pytest.approx(share)


def test_shares_from_the_parts():
    """Three images, six pairs: ours 3 x (5 + 1) + 6 x 4, published 6 x (10 + 1 + 4)."""
    assert share_of_published(Flops(5.0, 1.0, 4.0), 3) == pytest.approx(42 / 90)
