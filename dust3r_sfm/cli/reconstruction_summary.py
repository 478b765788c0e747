"""What came of a reconstruction, for people and for programs, and what may be done next."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from dust3r_sfm.cli.reporting import Step, Summary
from dust3r_sfm.cli.reporting.messages import Fact
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.images.passed_over import passed_over_line
from dust3r_sfm.matching.learned import why_unavailable
from dust3r_sfm.pipeline import ReconstructConfig
from dust3r_sfm.pipeline.output import RESULTS
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.types import AlignmentReport, Reconstruction, Scene

_LEFT_OUT_SHOWN = 10


def summary_of_run(reconstruction: Reconstruction, config: ReconstructConfig, out: Path) -> Summary:
    """Of a reconstruction that was written into `out`."""
    page = "" if config.export.report_page is None else ", report.html"
    files = f"in {out}: sparse/0 (COLMAP), points.ply, scene.glb, depth/, scene.npz, report.json{page}"
    lines = (*summary_lines(reconstruction), *_advice(reconstruction, config), files)
    facts: dict[str, Fact] = {
        **summary_facts(reconstruction),
        "out": str(out),
        "files": [name for name in RESULTS if (out / name).exists()],
    }
    return Summary(lines, facts, tuple(_steps(out)))


def summary_lines(reconstruction: Reconstruction) -> Iterator[str]:
    """A line a scene, and which photos are in none of them, and why."""
    total = sum(len(scene.views) for scene in reconstruction.scenes) + len(reconstruction.dropped)
    for index, scene in enumerate(reconstruction.scenes):
        yield _scene_line(index, scene, total)
        if scene.report.world != AlignmentReport.world:
            yield f"unit of sparse/{index}: {scene.report.world}"
        if scene.report.unplaced:
            yield f"sparse/{index} is in a unit of its own: {scene.report.unplaced}"
    yield from _left_out_lines(reconstruction.dropped)
    if others := reconstruction.passed_over:
        yield passed_over_line(others)


def summary_facts(reconstruction: Reconstruction) -> dict[str, Fact]:
    """The same figures; `registered` is of the largest scene, which is the first of `scenes`."""
    placed = sum(len(scene.views) for scene in reconstruction.scenes)
    return {
        "images": placed + len(reconstruction.dropped),
        "registered": len(reconstruction.scenes[0].views),
        "scenes": [_scene_facts(scene) for scene in reconstruction.scenes],
        "left_out": dict(reconstruction.dropped),
        "passed_over": dict(reconstruction.passed_over),
    }


def _scene_facts(scene: Scene) -> dict[str, Fact]:
    return {
        "images": len(scene.views),
        "points": len(scene.tracks.xyz),
        "mean_reprojection_error_px": _mean_error_px(scene),
        "verdict": scene.report.verdict.value,
        "verdict_reason": scene.report.verdict_reason,
        "unit": scene.report.world,
        "unplaced": scene.report.unplaced or None,
    }


def _mean_error_px(scene: Scene) -> float | None:
    errors_px = originals_of(scene).errors_px
    return float(np.mean(errors_px)) if len(errors_px) else None


def _scene_line(index: int, scene: Scene, total: int) -> str:
    error_px = _mean_error_px(scene)
    error = "" if error_px is None else f", mean reprojection error {error_px:.2f} px"
    where = "" if index == 0 else f" (a scene of its own: sparse/{index}, components/{index})"
    verdict = f"; {scene.report.verdict.value}: {scene.report.verdict_reason}"
    placed = f"{len(scene.views)} of {total} images registered, {len(scene.tracks.xyz)} points"
    return f"{placed}{error}{where}{verdict}"


def _left_out_lines(dropped: Mapping[str, str]) -> Iterator[str]:
    for name, reason in list(dropped.items())[:_LEFT_OUT_SHOWN]:
        yield f"left out {name}: {reason}"
    if len(dropped) > _LEFT_OUT_SHOWN:
        yield f"left out {len(dropped) - _LEFT_OUT_SHOWN} more: see report.json"


def _advice(reconstruction: Reconstruction, config: ReconstructConfig) -> Iterator[str]:
    """How photos that are left out may be placed."""
    wanting = reconstruction.dropped or len(reconstruction.scenes) > 1
    if not wanting or not isinstance(config.regressor, StereoConfig) or config.regressor.keypoints != "auto":
        return
    missing = why_unavailable()
    if missing is not None:
        yield f"learned matches may place more of them: {missing}"


def _steps(out: Path) -> Iterator[Step]:
    here = shlex.quote(str(out))
    dataset = shlex.quote(f"{out}_nerfstudio")
    if (out / "report.html").exists():
        yield Step("to see it", f"open {shlex.quote(str(out / 'report.html'))} in a browser")
    yield Step("to look around", f"dust3r-sfm view {here}")
    yield Step(
        "to train a splat",
        f"dust3r-sfm export {here} --format nerfstudio --output {dataset} && "
        f"ns-train splatfacto --data {dataset}",
    )
    yield Step("for other programs", f"dust3r-sfm export {here} --format colmap --output DIR")
