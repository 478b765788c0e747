"""Alignment alone, on pointmaps with known errors: accuracy, time and memory against the number of images.

    python -m benchmarks.alignment_scale --views 5 10 20 --json OUT
    python -m benchmarks.alignment_scale --views 200 --pairs logwin-10-noncyclic --focals same --json OUT
    python -m benchmarks.alignment_scale --views 500 --pairs swin-10 --path loop --focals same --json OUT

Photos of a rendered room, on an arc about its corner or once round a circle, looking out. Their exact depths
with noise on x, y and z of 1 % of depth and 3 % of pixels at random depths, made one pair at a time: making
them is not in the times. Each row is a child process, as peak memory never falls again. ATE is relative to
the RMS spread of the true centres.
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from os import cpu_count
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from dust3r_sfm.alignment import AlignmentConfig, align
from dust3r_sfm.evaluation import PosedCamera, score_poses
from dust3r_sfm.evidence import EvidenceConfig, resume_collector
from dust3r_sfm.geometry import original_camera
from dust3r_sfm.progress import Silent
from dust3r_sfm.synthetic.cameras import Rig, arc_cameras, loop_cameras
from dust3r_sfm.synthetic.predictions import synthetic_predictions
from dust3r_sfm.synthetic.rendering.render import render_depth
from dust3r_sfm.synthetic.scenes import SceneDescription, room_scene
from dust3r_sfm.types import Camera, Pair, PairPrediction, Scene, View
from dust3r_sfm.view_graph import Retrieval, parse_graph, view_graph

Focals = Literal["same", "mixed"]
PACKAGES = ("dust3r-sfm", "numpy", "scipy", "pycolmap")
LARGEST_STEP_DEG, WHOLE_ARC_DEG = 12.0, 150.0


@dataclass(frozen=True)
class Options:
    views: tuple[int, ...] = (5, 10)
    """Numbers of images."""
    focals: tuple[Focals, ...] = ("same", "mixed")
    """One camera for all photos, or each its own (within a factor of 1.4)."""
    pairs: str = "complete"
    """Which images are paired, in the forms of `dust3r-sfm reconstruct --pairs`."""
    path: Literal["arc", "loop"] = "arc"
    """Where the photos are taken."""
    width: int = 512
    height: int = 384
    noise: float = 0.01
    outliers: float = 0.03
    wrong_pairs: float = 0.0
    """Share of pairs that are confident nonsense."""
    seed: int = 0
    json: Path | None = None
    """Where to write all figures."""
    child: bool = False
    """Measure in this process and print the figures: what child processes are told."""


@dataclass(frozen=True)
class Measured:
    """`evidence_cpu_s` reduces predictions to evidence, `alignment_cpu_s` is all that follows; peaks are of
    the resident set in MiB, `baseline_mib` that before the first prediction. Figures of poses are those of
    `dust3r_sfm.evaluation`; `focal_error` is the largest."""

    views: int
    focals: Focals
    directed_pairs: int
    evidence_cpu_s: float
    alignment_cpu_s: float
    alignment_wall_s: float
    baseline_mib: float
    peak_mib: float
    registered: int
    ate: float | None
    rta_5: float
    median_rotation_error_deg: float
    focal_error: float
    pairs_dropped: int


def main(options: Options) -> None:
    if options.child:
        print(json.dumps(asdict(measure(options, options.views[0], options.focals[0]))))
        return
    results = [run_child(options, count, focals) for count in options.views for focals in options.focals]
    print(markdown(results))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report(results, options), indent=1) + "\n", encoding="utf-8")


def run_child(options: Options, count: int, focals: Focals) -> Measured:
    command = [sys.executable, "-m", "benchmarks.alignment_scale", "--child", "--views", str(count)]
    command += ["--focals", focals, "--width", str(options.width), "--height", str(options.height)]
    command += ["--noise", str(options.noise), "--outliers", str(options.outliers)]
    command += ["--wrong-pairs", str(options.wrong_pairs), "--seed", str(options.seed)]
    command += ["--pairs", options.pairs, "--path", options.path]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def measure(options: Options, count: int, focals: Focals) -> Measured:
    rig, views, predictions = make_predictions(options, count, focals)
    pairs = graph_pairs(count, options.pairs)
    baseline_mib, evidence_s = peak_mib(), 0.0
    with tempfile.TemporaryDirectory(prefix="benchmark_") as work:
        collector = resume_collector(views, pairs, EvidenceConfig(), Path(work), "benchmark")
        for prediction in predictions:
            began_s = time.process_time()
            collector.take(prediction)
            evidence_s += time.process_time() - began_s
        began_s, began_wall_s = time.process_time(), time.perf_counter()
        config = AlignmentConfig(cameras="shared" if focals == "same" else "per-image", seed=options.seed)
        scenes = align(views, collector.evidence(), config, Silent()).scenes
        alignment_s, wall_s = time.process_time() - began_s, time.perf_counter() - began_wall_s
    assert scenes, "nothing was aligned"
    scores = score_poses(posed_photos(scenes[0]), true_photos(views, rig))
    return Measured(
        views=count,
        focals=focals,
        directed_pairs=len(pairs),
        evidence_cpu_s=evidence_s,
        alignment_cpu_s=alignment_s,
        alignment_wall_s=wall_s,
        baseline_mib=baseline_mib,
        peak_mib=peak_mib(),
        registered=scores.registered,
        ate=scores.ate,
        rta_5=scores.rta_5,
        median_rotation_error_deg=scores.median_rotation_error_deg,
        focal_error=largest_focal_error(scenes[0], views, rig),
        pairs_dropped=sum(not pair.used for pair in scenes[0].report.pairs),
    )


def graph_pairs(count: int, form: str) -> list[Pair]:
    config = parse_graph(form)
    assert not isinstance(config, Retrieval), "these photos show nothing to retrieve"
    return list(view_graph([f"{k:04d}.png" for k in range(count)], config).pairs)


def make_predictions(
    options: Options, count: int, focals: Focals
) -> tuple[Rig, list[View], Iterator[PairPrediction]]:
    """The true cameras, grey views, and the predictions, each made when it is asked for."""
    rng = np.random.default_rng(options.seed)
    wide = 1.0 if focals == "same" else rng.uniform(0.85, 1.2, count)
    room = room_scene(options.seed)
    focal_px = (0.9 * options.width * np.broadcast_to(wide, count)).tolist()
    rig = make_rig(options, room, focal_px)
    image = np.zeros((options.height, options.width, 3), np.uint8)
    views = [View(f"{k:04d}.png", image, np.eye(3), (options.width, options.height)) for k in range(count)]
    depths = [
        render_depth(room, camera, pose).depth.astype(np.float32)
        for camera, pose in zip(rig.cameras, rig.cam_from_world, strict=True)
    ]
    pairs = graph_pairs(count, options.pairs)
    undirected = sorted({min(pair, pair.swap()) for pair in pairs})
    wrong = rng.permutation(len(undirected))[: round(options.wrong_pairs * len(undirected))]
    return rig, views, _made(options, rig, depths, pairs, {undirected[k] for k in wrong})


def make_rig(options: Options, room: SceneDescription, focal_px: Sequence[float]) -> Rig:
    width, height, seed, count = options.width, options.height, options.seed, len(focal_px)
    if options.path == "loop":
        return loop_cameras(count, width, height, focal_px, seed=seed)
    step_deg = min(LARGEST_STEP_DEG, WHOLE_ARC_DEG / count)
    return arc_cameras(room, count, width, height, focal_px, step_deg, seed=seed)


def _made(
    options: Options, rig: Rig, depths: Sequence[np.ndarray], pairs: Sequence[Pair], wrong: set[Pair]
) -> Iterator[PairPrediction]:
    """A wrong pair is wrong in another way in each direction."""
    for number, pair in enumerate(pairs):
        (made,) = synthetic_predictions(
            depths,
            rig.cameras,
            rig.cam_from_world,
            [pair],
            noise=options.noise,
            outlier_fraction=options.outliers,
            wrong_pair_fraction=1.0 if min(pair, pair.swap()) in wrong else 0.0,
            seed=options.seed + 1000 * number,
        )
        yield replace(
            made,
            points_i=made.points_i.astype(np.float32),
            points_j=made.points_j.astype(np.float32),
            confidence_i=made.confidence_i.astype(np.float32),
            confidence_j=made.confidence_j.astype(np.float32),
        )


def posed_photos(scene: Scene) -> dict[str, PosedCamera]:
    rows = zip(scene.views, scene.cameras, scene.cam_from_world, strict=True)
    return {view.name: PosedCamera(original_camera(view, camera)[0], pose) for view, camera, pose in rows}


def true_photos(views: Sequence[View], rig: Rig) -> dict[str, PosedCamera]:
    rows = zip(views, rig.cameras, rig.cam_from_world, strict=True)
    return {view.name: PosedCamera(camera, pose) for view, camera, pose in rows}


def largest_focal_error(scene: Scene, views: Sequence[View], rig: Rig) -> float:
    true: Mapping[str, Camera] = {v.name: camera for v, camera in zip(views, rig.cameras, strict=True)}
    rows = zip(scene.views, scene.cameras, strict=True)
    return max(abs(camera.fx / true[view.name].fx - 1.0) for view, camera in rows)


def peak_mib() -> float:
    """Of this process until now. Linux: the kernel counts in KiB there."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(results: Sequence[Measured], options: Options) -> dict[str, object]:
    told = {key: value for key, value in asdict(options).items() if key not in ("json", "child", "views")}
    return {
        "python": platform.python_version(),
        "machine": {"processor": platform.machine(), "cores": cpu_count()},
        "versions": {package: version(package) for package in PACKAGES},
        "options": told,
        "results": [asdict(result) for result in results],
    }


def markdown(results: Sequence[Measured]) -> str:
    columns = list(asdict(results[0]))
    rows = [[column.replace("_", " ") for column in columns], ["---:"] * len(columns)]
    rows += [[_cell(value) for value in asdict(result).values()] for result in results]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: float | str | None) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
