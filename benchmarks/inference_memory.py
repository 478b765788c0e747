"""Memory and disk against the number of images.

    python -m benchmarks.inference_memory --views 10 30 100 --json OUT
    python -m benchmarks.inference_memory --views 1000 --graph logwin-7 --json OUT
    python -m benchmarks.inference_memory --views 100 --regressor small --json OUT

Each number of images is a child process, as peak memory never falls again. By default pairs come from
full_maps.py, which costs little and gives every pixel of 512 x 384 and thousands of correspondences;
--regressor is a network: a checkpoint, a name that `load_network` takes, or one of SEEDED, with random
weights. Images are noise.
The last column is what the whole pointmaps would take, points and confidences in float32.
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

import torch
import tyro

from benchmarks.full_maps import FullMaps
from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.inference import measure_pairs
from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.checkpoints import LoadedNetwork
from dust3r_sfm.networks.config import SMALL, LinearHeadConfig, NetworkConfig
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.view_graph import Retrieval, ViewGraph, parse_graph, view_graph

PACKAGES = ("dust3r-sfm", "torch", "numpy")
SEEDED = {
    "small": SMALL,
    "shallow": NetworkConfig(
        enc_depth=1, mlp_ratio=1, dec_embed_dim=64, dec_depth=2, dec_num_heads=1, head=LinearHeadConfig()
    ),
}
"""With few layers but tokens as wide as a ViT-L's, "shallow" fills the caches as the full networks do, and
takes 9 900 pairs in minutes."""
BYTES_A_PIXEL = 16
"""Of a whole pointmap: three coordinates and a confidence, in float32."""


@dataclass(frozen=True)
class Options:
    views: tuple[int, ...] = (10, 30, 100)
    """Numbers of images, one child process each."""
    graph: str = "complete"
    """As --pairs of `dust3r-sfm reconstruct`."""
    regressor: str | None = None
    """A network instead of exact maps: "small", "shallow", or what `load_network` takes."""
    align: bool = False
    """Also align what was measured (with --regressor the result means nothing)."""
    without_folder: bool = False
    """Without a work folder, as in `measure_pairs(regressor, views, graph)`."""
    folder: Path | None = None
    """Where work folders are made and removed; default: the system's temporary one."""
    json: Path | None = None
    """Where to write all figures."""
    child: bool = False
    """Measure in this process and print the figures: what child processes are told."""


@dataclass(frozen=True)
class Measured:
    """Peaks are of the resident set so far, in MiB, and `baseline_mib` that of the views and imports.
    `correspondences` are those kept, `disk_mib` what the work folder holds at the end."""

    views: int
    directed_pairs: int
    baseline_mib: float
    inference_mib: float
    alignment_mib: float | None
    disk_mib: float
    inference_s: float
    alignment_s: float | None
    correspondences: int
    whole_pointmaps_mib: float


def main(options: Options) -> None:
    if options.child:
        print(json.dumps(asdict(measure(options, options.views[0]))))
        return
    results = [run_child(options, count) for count in options.views]
    print(markdown(results))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report(results, options), indent=1) + "\n", encoding="utf-8")


def run_child(options: Options, count: int) -> Measured:
    command = [sys.executable, "-m", "benchmarks.inference_memory", "--child", "--views", str(count)]
    command += ["--graph", options.graph]
    command += ["--regressor", options.regressor] if options.regressor else []
    command += ["--folder", str(options.folder)] if options.folder else []
    command += ["--align"] if options.align else []
    command += ["--without-folder"] if options.without_folder else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def measure(options: Options, count: int) -> Measured:
    regressor = build(options.regressor)
    views = FullMaps().views(count)
    graph = build_graph(options.graph, [view.name for view in views])
    baseline_mib = peak_mib()
    with tempfile.TemporaryDirectory(prefix="benchmark_", dir=options.folder) as work:
        began_s = time.perf_counter()
        folder = None if options.without_folder else Path(work)
        evidence = measure_pairs(regressor, views, graph, work_folder=folder)
        inference_s, inference_mib = time.perf_counter() - began_s, peak_mib()
        disk = sum(path.stat().st_size for path in Path(work).rglob("*") if path.is_file())
        if options.align:
            align(views, evidence, AlignmentConfig(), Silent())
        alignment_s = time.perf_counter() - began_s - inference_s
    pixels = views[0].size[0] * views[0].size[1]
    return Measured(
        views=count,
        directed_pairs=len(graph.pairs),
        baseline_mib=baseline_mib,
        inference_mib=inference_mib,
        alignment_mib=peak_mib() if options.align else None,
        disk_mib=disk / 2**20,
        inference_s=inference_s,
        alignment_s=alignment_s if options.align else None,
        correspondences=sum(len(found) for found in evidence.correspondences.values()),
        whole_pointmaps_mib=2 * len(graph.pairs) * pixels * BYTES_A_PIXEL / 2**20,
    )


def build(source: str | None) -> PointmapRegressor:
    if source is None:
        return FullMaps()
    config = NetworkRegressorConfig(source)
    if source not in SEEDED:
        return NetworkRegressor(config)
    torch.manual_seed(0)
    network = network_from_config(SEEDED[source]).eval()
    return NetworkRegressor(config, LoadedNetwork(network, network.config, source, None, source))


def build_graph(text: str, names: list[str]) -> ViewGraph:
    config = parse_graph(text)
    assert not isinstance(config, Retrieval), "noise looks like nothing: name pairs by their places"
    return view_graph(names, config)


def peak_mib() -> float:
    """Of this process until now. Linux: the kernel counts in KiB there."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(results: list[Measured], options: Options) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "machine": {"processor": platform.machine(), "cores": cpu_count()},
        "versions": {package: version(package) for package in PACKAGES},
        "graph": options.graph,
        "regressor": options.regressor or "full maps, 512 x 384",
        "work_folder": not options.without_folder,
        "results": [asdict(result) for result in results],
    }


def markdown(results: list[Measured]) -> str:
    columns = list(asdict(results[0]))
    rows = [[column.replace("_", " ") for column in columns], ["---:"] * len(columns)]
    rows += [[_cell(value) for value in asdict(result).values()] for result in results]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
