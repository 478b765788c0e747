"""What the parts of the networks take, and from it the complete graph of some images under both schedules.

    python -m benchmarks.network_parts --json OUT

For machines on which the graph itself takes too long: encoding an image, preparing it for both roles and
decoding a directed pair are each timed by themselves, one at a time in float32, the quickest of some rounds,
in seconds of CPU over all threads, which other programs disturb least. Ours does the first two once an image,
the published schedule does all of it for every pair. Weights and images are random.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
import tyro

from benchmarks.network_speed import Flops, Workload, count_flops, device_name, make_network
from dust3r_sfm.networks.config import DUST3R_512_DPT, DUST3R_512_LINEAR, MAST3R_512, SMALL, NetworkConfig

NETWORKS: dict[str, NetworkConfig] = {
    "small": SMALL,
    "DUSt3R-512-DPT": DUST3R_512_DPT,
    "DUSt3R-512-linear": DUST3R_512_LINEAR,
    "MASt3R-512": MAST3R_512,
}
T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    networks: tuple[str, ...] = tuple(NETWORKS)
    images: int = 10
    """Of the complete graph."""
    width: int = 512
    height: int = 384
    rounds: int = 2
    json: Path | None = None
    """Where to write all figures."""


@dataclass(frozen=True)
class Parts:
    """CPU seconds of each part; shares are of what the published schedule takes for the complete graph."""

    network: str
    encode_s: float
    prepare_s: float
    decode_s: float
    share_of_flops: float
    share_of_time: float


def main(options: Options) -> None:
    cpu = device_name(torch.device("cpu"))
    print(f"{options.width} x {options.height} on {cpu}, {options.images} images")
    print("| network | encode CPU s | prepare CPU s | decode CPU s | share of FLOPs | share of time |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    rows = []
    for name in options.networks:
        rows.append(time_parts(name, options))
        cells = list(asdict(rows[-1]).values())[1:]
        print(f"| {name} | {' | '.join(f'{cell:.3g}' for cell in cells)} |", flush=True)
    if options.json is not None:
        written: dict[str, object] = {"device": cpu, "torch": torch.__version__, "images": options.images}
        written |= {"size": [options.width, options.height], "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


@torch.inference_mode()
def time_parts(name: str, options: Options) -> Parts:
    workload = Workload(name, NETWORKS[name], options.height, options.width, (), (), ())
    network = make_network(workload, torch.device("cpu"))
    image = torch.rand(1, 3, options.height, options.width)
    grid = network.grid(image)
    encode_s, tokens = quickest(lambda: network.encode(image), options.rounds)
    prepare_s, both = quickest(
        lambda: (network.prepare(0, tokens, grid), network.prepare(1, tokens, grid)), options.rounds
    )
    decode_s, _ = quickest(lambda: network.decode_prepared(*both, grid, grid), options.rounds)
    seconds, flops = Flops(encode_s, prepare_s, decode_s), count_flops(workload)
    shares = (share_of_published(cost, options.images) for cost in (flops, seconds))
    return Parts(name, encode_s, prepare_s, decode_s, *shares)


def share_of_published(cost: Flops, images: int) -> float:
    """Of the complete graph; `cost` in any unit."""
    pairs = images * (images - 1)
    return cost.of_graph("ours", images, pairs) / cost.of_graph("published", images, pairs)


def quickest(run: Callable[[], T], rounds: int) -> tuple[float, T]:
    """CPU seconds of the quickest of `rounds` runs, and what the last one gave."""
    seconds = []
    for _ in range(rounds):
        began_s = time.process_time()
        result = run()
        seconds.append(time.process_time() - began_s)
    return min(seconds), result


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
