"""Poses against COLMAP's, on photo sets with true poses: accuracy, time and memory.

    python -m benchmarks.reconstruction SET... --json OUT

A SET is a folder with images/ and gt/ (a COLMAP text model of the true cameras). COLMAP with each of its
mappers (through pycolmap, see colmap_model.py) and `dust3r-sfm reconstruct` run one after the other as
children of this process. Seconds depend on the machine and on what else runs on it: compare the ratios.
"""

import json
import platform
import shlex
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import cpu_count
from pathlib import Path

import tyro

from benchmarks.colmap_model import Mapper, Matching
from benchmarks.measuring import Usage, run_measured
from dust3r_sfm.evaluation import PoseScores, read_posed_cameras, score_poses

PACKAGES = ("dust3r-sfm", "pycolmap", "torch", "numpy", "scipy")
COLUMNS = [
    *("registered", "mAA@30", "RRA@5", "RTA@5", "median rot / dir deg", "ATE", "focal"),
    *("wall s", "CPU s", "peak MiB", "s / pair"),
]


@dataclass(frozen=True)
class Options:
    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with images/ and gt/."""
    matching: Matching = "exhaustive"
    """COLMAP's. For ours, say which pairs with --ours."""
    ours: str = ""
    """More options of `dust3r-sfm reconstruct`, in one string: `"--ours=--pairs swin-5"`."""
    mappers: tuple[Mapper, ...] = ("incremental", "global")
    """COLMAP's ways to a model; none: run ours alone."""
    json: Path | None = None
    """Where to write all figures."""
    keep: Path | None = None
    """Folder for models and logs, which are otherwise deleted. Former ones of the same sets are replaced."""


@dataclass(frozen=True)
class Result:
    """`pair_s`: seconds of all stages over the number of photo pairs, as our report.json has them."""

    usage: Usage
    scores: PoseScores
    pair_s: float | None = None


@dataclass(frozen=True)
class Ratios:
    """Ours over COLMAP's."""

    wall: float
    cpu: float
    peak_memory: float


@dataclass(frozen=True)
class Rival:
    mapper: Mapper
    result: Result
    ratios: Ratios


@dataclass(frozen=True)
class SetResult:
    name: str
    ours: Result
    colmap: tuple[Rival, ...]


def main(options: Options) -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark_") as temporary:
        work = options.keep or Path(temporary)
        results = []
        for folder in options.sets:
            results.append(measure_set(folder, work / folder.resolve().name, options))
            print(markdown([results[-1]]), flush=True)
    if len(results) > 1:
        print(markdown(results))
    if options.json is not None:
        options.json.write_text(json.dumps(report(results, options), indent=1) + "\n", encoding="utf-8")


def measure_set(folder: Path, work: Path, options: Options) -> SetResult:
    shutil.rmtree(work, ignore_errors=True)
    theirs = {mapper: measure_colmap(folder, work, options.matching, mapper) for mapper in options.mappers}
    ours = measure_ours(folder, work, shlex.split(options.ours))
    rivals = [Rival(mapper, result, ratios(ours.usage, result.usage)) for mapper, result in theirs.items()]
    return SetResult(work.name, ours, tuple(rivals))


def ratios(ours: Usage, other: Usage) -> Ratios:
    return Ratios(ours.wall_s / other.wall_s, ours.cpu_s / other.cpu_s, ours.peak_mib / other.peak_mib)


def measure_colmap(folder: Path, work: Path, matching: Matching, mapper: Mapper) -> Result:
    out = work / f"colmap-{mapper}"
    command = [sys.executable, "-m", "benchmarks.colmap_model", str(folder / "images"), str(out)]
    usage = run_measured([*command, "--matching", matching, "--mapper", mapper], work / f"{out.name}.log")
    return Result(usage, score_poses(read_posed_cameras(out / "model"), read_posed_cameras(folder / "gt")))


def measure_ours(folder: Path, work: Path, more: list[str]) -> Result:
    command = [sys.executable, "-m", "dust3r_sfm.cli", "reconstruct", str(folder / "images")]
    usage = run_measured([*command, str(work / "ours"), "--quiet", *more], work / "ours.log")
    scores = score_poses(
        read_posed_cameras(work / "ours" / "sparse" / "0"), read_posed_cameras(folder / "gt")
    )
    return Result(usage, scores, seconds_a_pair(work / "ours" / "report.json"))


def seconds_a_pair(path: Path) -> float | None:
    """None where no model came out, which leaves no report."""
    if not path.exists():
        return None
    written = json.loads(path.read_text(encoding="utf-8"))
    pairs = {frozenset(pair["images"]) for pair in written["pairs"]}
    return float(sum(written["run"]["stage_seconds"].values()) / len(pairs))


def report(results: list[SetResult], options: Options) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "machine": {"processor": platform.machine(), "cores": cpu_count()},
        "versions": {package: version(package) for package in PACKAGES},
        "colmap_matching": options.matching,
        "our_options": options.ours,
        "sets": [asdict(result) for result in results],
    }


def markdown(results: list[SetResult]) -> str:
    """A row for each of COLMAP's mappers, with how many times its cost ours is, and one for ours."""
    rows = [["set", "by", *COLUMNS], ["---"] * (len(COLUMNS) + 2)]
    for result in results:
        for rival in result.colmap:
            by = f"COLMAP, {rival.mapper}"
            rows.append([result.name, by, *_cells(rival.result, rival.ratios)])
        rows.append([result.name, "dust3r-sfm", *_cells(result.ours, None)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(result: Result, ratios: Ratios | None) -> list[str]:
    scores, usage = result.scores, result.usage
    times = (ratios.wall, ratios.cpu, ratios.peak_memory) if ratios else (None, None, None)
    costs = (usage.wall_s, usage.cpu_s, usage.peak_mib)
    return [
        f"{scores.registered} of {scores.photos}",
        f"{scores.maa_30:.3f}",
        f"{scores.rra_5:.2f}",
        f"{scores.rta_5:.2f}",
        f"{scores.median_rotation_error_deg:.3f} / {scores.median_direction_error_deg:.3f}",
        _number(scores.ate, 4),
        _number(scores.focal_error, 4),
        *(
            f"{cost:.0f}" + ("" if x is None else f" (ours x{x:.2f})")
            for cost, x in zip(costs, times, strict=True)
        ),
        _number(result.pair_s, 2),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
