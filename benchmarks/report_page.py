"""Time and size of report.html, for reconstructions that are there and for many photos.

    python -m benchmarks.report_page OUT... --photos 1000

OUT is a folder that `dust3r-sfm reconstruct` wrote, of one scene. Its page is written again, elsewhere;
`share` is of the seconds that the run's stages took, by its report.json. With `--photos` also of a scene in
which its photos come again and again, up to so many, each in pairs with the eight before and after it.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from dust3r_sfm.dense import PointCloud, fuse_points
from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.report import RunFacts, report_json
from dust3r_sfm.exporters.report_page import draw_scene, page_content, write_report_page
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.types import Pair, PairGeometry, PairReport, Reconstruction, Scene, Tracks

PARTNERS = 8


@dataclass(frozen=True)
class Options:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of finished runs."""
    photos: int | None = None
    """How many photos the large scene of each has."""


def repeat_photos(scene: Scene, count: int) -> Scene:
    """`count` photos without tracks, those of the scene in turn, all with names of their own."""
    of = [index % len(scene.views) for index in range(count)]
    pairs = tuple(
        PairReport(Pair(i, j), abs(i - j) <= PARTNERS // 2, PairGeometry.GENERAL, 500, 0.25 + i / count)
        for i in range(count)
        for j in range(max(0, i - PARTNERS), min(count, i + PARTNERS + 1))
        if i != j
    )
    proofs = tuple(scene.report.proofs[row] for row in of) if scene.report.proofs else ()
    return Scene(
        views=tuple(replace(scene.views[row], name=f"photos/{k:06}.jpg") for k, row in enumerate(of)),
        cameras=tuple(scene.cameras[row] for row in of),
        cam_from_world=scene.cam_from_world[of],
        depth=tuple(scene.depth[row] for row in of),
        confidence=tuple(scene.confidence[row] for row in of),
        tracks=Tracks.empty(),
        report=replace(scene.report, pairs=pairs, proofs=proofs),
    )


def time_page(scene: Scene, cloud: PointCloud) -> tuple[float, int]:
    """Seconds for all that is done for the page alone, and its bytes."""
    config = ReportPageConfig()
    reconstruction = Reconstruction((scene,), {})
    report = report_json(reconstruction, RunFacts([view.name for view in scene.views]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        start = time.perf_counter()
        drawn = [draw_scene(scene, cloud, config.max_points, config)]
        write_report_page(page_content(report, reconstruction, drawn, scene.views, config), path)
        return time.perf_counter() - start, path.stat().st_size


def lines(options: Options) -> Iterator[str]:
    yield "| run | photos | page, s | share | MB |"
    yield "| --- | --- | --- | --- | --- |"
    for run in options.runs:
        scene = load_scene(run)
        cloud = fuse_points(scene)
        stages = json.loads((run / "report.json").read_text(encoding="utf-8"))["run"]["stage_seconds"]
        run_s = float(np.sum(list(stages.values())))
        page_s, size = time_page(scene, cloud)
        yield f"| {run.name} | {len(scene.views)} | {page_s:.2f} | {page_s / run_s:.1%} | {size / 1e6:.1f} |"
        if options.photos is not None:
            large_s, size = time_page(repeat_photos(scene, options.photos), cloud)
            yield f"| {run.name}, repeated | {options.photos} | {large_s:.2f} | | {size / 1e6:.1f} |"


if __name__ == "__main__":
    for line in lines(tyro.cli(Options)):
        print(line)
