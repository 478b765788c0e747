"""Directed pairs a second of the networks, against the published schedule.

    python -m benchmarks.network_speed --json OUT

The work is the complete graph of some images, all of one size: ours encodes each image once, prepares it
once for either role, and decodes every directed pair; the published schedule does all of it for every pair.
Both run our own layers, so the ratio is of schedule, batch and precision alone. Weights and images are
random; results stay on the device and are dropped. On CUDA the full DUSt3R-512-DPT at 512 x 384, elsewhere
the small network at 224 x 160.
"""

import gc
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from os import cpu_count
from pathlib import Path

import torch
import tyro
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dust3r_sfm.networks import Dust3r, NetworkConfig, network_from_config
from dust3r_sfm.networks.config import DUST3R_512_DPT, SMALL
from dust3r_sfm.networks.dust3r import Prepared
from dust3r_sfm.networks.precision import set_precision

BF16_PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312}
"""Dense, of the SXM boards, from their data sheets."""


@dataclass(frozen=True)
class Options:
    batches: tuple[int, ...] = (1, 8, 32)
    """Pairs (and images to encode) at once."""
    images: int = 10
    """Of the complete graph."""
    seconds: float = 3.0
    """At least so long for each row, after one round to warm up."""
    precisions: tuple[str, ...] = ()
    """Of ours, by their names in the output; default: all on CUDA, elsewhere fp32 (a CPU without units for
    them takes five times as long in the lower ones)."""
    compile: bool = False
    """torch.compile the blocks of ours."""
    device: str | None = None
    """Default: cuda if it is there, else cpu."""
    json: Path | None = None
    """Where to write all figures."""


@dataclass(frozen=True)
class Precision:
    """`tf32`: float32 products may be rounded to TF32 (CUDA only)."""

    name: str
    transformer: torch.dtype
    heads: torch.dtype
    tf32: bool = False


FP32 = Precision("fp32", torch.float32, torch.float32)
TF32 = Precision("tf32", torch.float32, torch.float32, tf32=True)
BF16_FP32_HEADS = Precision("bf16, fp32 heads", torch.bfloat16, torch.float32)
BF16 = Precision("bf16", torch.bfloat16, torch.bfloat16)
BF16_TF32_HEADS = replace(BF16_FP32_HEADS, name="bf16, tf32 heads", tf32=True)
FP16 = Precision("fp16", torch.float16, torch.float16)
PRECISIONS = (FP32, TF32, BF16_FP32_HEADS, BF16_TF32_HEADS, BF16, FP16)


@dataclass(frozen=True)
class Workload:
    name: str
    config: NetworkConfig
    height: int
    width: int
    ours: tuple[Precision, ...]
    published: tuple[Precision, ...]
    published_batches: tuple[int, ...]


FULL = Workload(
    "DUSt3R-512-DPT",
    DUST3R_512_DPT,
    384,
    512,
    PRECISIONS,
    (FP32, TF32),
    (1, 8),
)
ON_CPU = Workload("small", SMALL, 160, 224, (FP32,), (FP32,), (1, 8))


@dataclass(frozen=True)
class Speed:
    """One row. `tflops` are those done in a second; `peak_mib` is the device's memory on CUDA, else the
    process's resident set. None where the batch does not fit."""

    schedule: str
    precision: str
    batch: int
    pairs_per_s: float | None = None
    tflops: float | None = None
    share_of_bf16_peak: float | None = None
    peak_mib: float | None = None


@dataclass(frozen=True)
class Flops:
    """Of encoding one image, of preparing it for both roles, and of decoding one directed pair, in GFLOP."""

    encode: float
    prepare: float
    decode: float

    def of_graph(self, schedule: str, num_images: int, num_pairs: int) -> float:
        if schedule == "published":
            return num_pairs * (2 * self.encode + self.prepare + self.decode)
        return num_images * (self.encode + self.prepare) + num_pairs * self.decode


def main(options: Options) -> None:
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    workload = FULL if device.type == "cuda" else ON_CPU
    print(f"{workload.name}, {workload.width} x {workload.height}, on {device_name(device)}")
    if device.type != "cuda":
        print("No CUDA device: the full network was not run.", flush=True)
    flops = count_flops(workload)
    print("| schedule | precision | batch | pairs/s | TFLOP/s | of bf16 peak | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    rows = []
    for row in measure_all(workload, options, device, flops):
        rows.append(row)
        print(markdown_row(row), flush=True)
    if options.json is not None:
        written = report(workload, options, device, flops, rows)
        options.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def count_flops(workload: Workload) -> Flops:
    with torch.device("meta"):
        network = network_from_config(workload.config)
        image = torch.empty(1, 3, workload.height, workload.width)
    grid = network.grid(image)
    with torch.no_grad(), FlopCounterMode(display=False) as encoding:
        tokens = network.encode(image)
    with torch.no_grad(), FlopCounterMode(display=False) as preparing:
        both = network.prepare(0, tokens, grid), network.prepare(1, tokens, grid)
    with torch.no_grad(), FlopCounterMode(display=False) as decoding:
        network.decode_prepared(*both, grid, grid)
    return Flops(*(counter.get_total_flops() / 1e9 for counter in (encoding, preparing, decoding)))


def measure_all(workload: Workload, options: Options, device: torch.device, flops: Flops) -> Iterator[Speed]:
    shape = (options.images, 3, workload.height, workload.width)
    images = 2 * torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device) - 1
    rows = [("published", p, b) for p in workload.published for b in workload.published_batches]
    chosen = tuple(p for p in PRECISIONS if p.name in options.precisions) or workload.ours
    rows += [("ours", precision, batch) for precision in chosen for batch in options.batches]
    for schedule, precision, batch in rows:
        allow_tf32(precision.tf32)
        network = set_precision(make_network(workload, device), precision.transformer, precision.heads)
        if options.compile and schedule == "ours":
            compile_blocks(network)
        yield measure(Speed(schedule, precision.name, batch), network, images, options.seconds, flops)


def make_network(workload: Workload, device: torch.device) -> Dust3r:
    torch.manual_seed(0)
    with device:
        return network_from_config(workload.config).eval()


def allow_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


def compile_blocks(network: Dust3r) -> None:
    for blocks in (network.enc_blocks, network.dec_blocks, network.dec_blocks2):
        for block in blocks:
            block.compile()
    network.downstream_head1.compile()
    network.downstream_head2.compile()


def measure(row: Speed, network: Dust3r, images: Tensor, seconds: float, flops: Flops) -> Speed:
    """`row` with its figures; without where memory does not suffice."""
    device, num_pairs = images.device, len(images) * (len(images) - 1)
    gc.collect()
    forget_peak_memory(device)
    try:
        run_graph(row.schedule, network, images, row.batch)
        round_s = seconds_a_round(row.schedule, network, images, row.batch, seconds)
    except torch.cuda.OutOfMemoryError:
        return row
    tflops = flops.of_graph(row.schedule, len(images), num_pairs) / 1e3 / round_s
    peak = next((value for key, value in BF16_PEAK_TFLOPS.items() if key in device_name(device)), None)
    share = None if peak is None else tflops / peak
    return replace(
        row,
        pairs_per_s=num_pairs / round_s,
        tflops=tflops,
        share_of_bf16_peak=share,
        peak_mib=peak_memory_mib(device),
    )


def seconds_a_round(schedule: str, network: Dust3r, images: Tensor, batch: int, seconds: float) -> float:
    rounds, began_s = 0, time.perf_counter()
    while (passed_s := time.perf_counter() - began_s) < seconds:
        run_graph(schedule, network, images, batch)
        rounds += 1
    return passed_s / rounds


@torch.inference_mode()
def run_graph(schedule: str, network: Dust3r, images: Tensor, batch: int) -> None:
    """All directed pairs, in batches; returns when the device has done them."""
    pairs = torch.tensor(list(permutations(range(len(images)), 2)), device=images.device)
    if schedule == "published":
        for first, second in (part.unbind(1) for part in pairs.split(batch)):
            network(images[first], images[second])
    else:
        grid = network.grid(images)
        tokens = torch.cat([network.encode(part) for part in images.split(batch)])
        of_i, of_j = (
            Prepared.join([network.prepare(role, part, grid) for part in tokens.split(batch)])
            for role in (0, 1)
        )
        for first, second in (part.unbind(1) for part in pairs.split(batch)):
            network.decode_prepared(of_i.of_images(first), of_j.of_images(second), grid, grid)
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)


def forget_peak_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    else:
        # Linux: the peak of the resident set starts again from what it is now.
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mib(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} of {cpu_count()} threads"


def report(
    workload: Workload, options: Options, device: torch.device, flops: Flops, rows: list[Speed]
) -> dict[str, object]:
    """`speed_up`: the fastest of ours over the fastest published row in float32."""
    published = [
        row.pairs_per_s or 0.0 for row in rows if row.schedule == "published" and row.precision == "fp32"
    ]
    ours = [row.pairs_per_s or 0.0 for row in rows if row.schedule == "ours"]
    pairs = options.images * (options.images - 1)
    return {
        "network": workload.name,
        "size": [workload.width, workload.height],
        "images": options.images,
        "device": device_name(device),
        "full_network_on_cuda": device.type == "cuda",
        "torch": torch.__version__,
        "compiled": options.compile,
        "gflops": asdict(flops),
        "share_of_published_flops": flops.of_graph("ours", options.images, pairs)
        / flops.of_graph("published", options.images, pairs),
        "speed_up": max(ours) / max(published),
        "rows": [asdict(row) for row in rows],
    }


def markdown_row(row: Speed) -> str:
    cells = (row.pairs_per_s, row.tflops, row.share_of_bf16_peak, row.peak_mib)
    figures = ("-" if cell is None else f"{cell:.3g}" for cell in cells)
    return f"| {row.schedule} | {row.precision} | {row.batch} | {' | '.join(figures)} |"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
