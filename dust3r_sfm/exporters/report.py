"""What a run used, what it left out and why, and how well the result fits: report.json."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from dust3r_sfm.dense.point_cloud import usable_depth
from dust3r_sfm.exporters.tracks.originals import FilePixels, originals_of
from dust3r_sfm.geometry.cameras import radial_coefficient
from dust3r_sfm.types import Camera, PairReport, Reconstruction, Scene, UpAxis

_PACKAGES = ("dust3r-sfm", "torch", "pycolmap", "numpy", "scipy", "pillow", "trimesh")


@dataclass(frozen=True)
class RunFacts:
    """What a reconstruction itself does not know of its run."""

    image_names: Sequence[str]
    """Of the views handed to alignment, in order: the pair reports' indices count in them."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Files that could not be read, and the reason."""
    regressor: str = ""
    """Its name."""
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each stage."""
    peak_memory_mib: float | None = None
    """Most that the process held; None where the system does not tell."""
    min_confidence: float = 1.5
    """Depth counts as confident from here on."""
    command: str | None = None
    """The command line that asked for it, as a shell reads it; None of a call from Python."""


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Writes what `report_json` gives as strict JSON, UTF-8, indented."""
    text = json.dumps(report, indent=2, ensure_ascii=True, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def report_json(reconstruction: Reconstruction, facts: RunFacts) -> dict[str, Any]:
    """The report as JSON values; figures that do not exist (or are not finite) are null.

    Reprojection errors and focals are in pixels of the STORED files, pair residuals in those of
    the resized views.
    """
    originals = [originals_of(scene) for scene in reconstruction.scenes]
    images = [
        image
        for index, (scene, original) in enumerate(zip(reconstruction.scenes, originals, strict=True))
        for image in _posed_images(index, scene, original, facts.min_confidence)
    ]
    left_out = {**facts.skipped, **reconstruction.dropped}
    pairs = _pairs(reconstruction, facts.image_names)
    return {
        "totals": {
            "images": len(images) + len(left_out),
            "images_posed": len(images),
            "passed_over": len(reconstruction.passed_over),
            "scenes": len(reconstruction.scenes),
            "pairs": len(pairs),
            "pairs_used": sum(pair["used"] for pair in pairs),
        },
        "scenes": [_scene(*both) for both in zip(reconstruction.scenes, originals, strict=True)],
        "images": images + [_left_out(name, reason) for name, reason in left_out.items()],
        "passed_over": reconstruction.passed_over,
        "pairs": pairs,
        "run": {
            "command": facts.command,
            "regressor": facts.regressor,
            "stage_seconds": {stage: _finite(seconds) for stage, seconds in facts.stage_seconds.items()},
            "peak_memory_mib": _finite(facts.peak_memory_mib),
            "versions": library_versions(),
        },
    }


def library_versions() -> dict[str, str]:
    """Installed versions of this package and of what it computes with."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _scene(scene: Scene, originals: FilePixels) -> dict[str, Any]:
    return {
        "images": len(scene.views),
        "points": len(scene.tracks.xyz),
        "observations": len(scene.tracks.point_index),
        "mean_reprojection_error_px": _mean(originals.errors_px),
        "verdict": scene.report.verdict.value,
        "verdict_reason": scene.report.verdict_reason,
        "unit": scene.report.world,
        "unplaced": scene.report.unplaced or None,
        "up": _up(scene.report.up),
        "bundle_adjustment": scene.report.bundle_adjustment,
        "robust_error_before_px": _finite(scene.report.robust_error_before_px),
        "robust_error_after_px": _finite(scene.report.robust_error_after_px),
        "stages": [
            {
                "name": stage.name,
                "objective": _finite(stage.objective),
                "median_residual": _finite(stage.median_residual),
                "unit": stage.unit,
            }
            for stage in scene.report.stages
        ],
    }


def _up(up: UpAxis) -> dict[str, Any]:
    return {
        "direction": None if up.direction is None else list(up.direction),
        "source": None if up.source is None else up.source.value,
        "std_deg": _finite(up.std_deg),
        "reason": up.reason,
    }


def _posed_images(
    scene_index: int, scene: Scene, originals: FilePixels, min_confidence: float
) -> list[dict[str, Any]]:
    observations = np.bincount(scene.tracks.view_index, minlength=len(scene.views))
    order = np.argsort(scene.tracks.view_index, kind="stable")
    errors = np.split(originals.errors_px[order], np.cumsum(observations)[:-1])
    return [
        {
            "name": view.name,
            "scene": scene_index,
            "reason": None,
            "focal_px": [_finite(focal) for focal in originals.cameras[v].focals],
            "camera_model": originals.cameras[v].model,
            "distortion_k1": _radial_coefficient(originals.cameras[v]),
            "observations": int(observations[v]),
            "mean_reprojection_error_px": _mean(errors[v]),
            "confident_depth_share": float(usable_depth(scene, v, min_confidence).mean()),
            **_proof(scene, v),
        }
        for v, view in enumerate(scene.views)
    ]


def _radial_coefficient(camera: Camera) -> float | None:
    """None of a lens that has more to it."""
    k1 = radial_coefficient(camera)
    return None if k1 is None else _finite(k1)


def _proof(scene: Scene, view: int) -> dict[str, Any]:
    """What the view's place rests on, as far as that was looked at."""
    if not scene.report.proofs:
        return {}
    proof = scene.report.proofs[view]
    return {
        "witnesses": proof.witnesses,
        "agreeing_share": _finite(proof.agreeing_share),
        "rotation_std_deg": _finite(proof.rotation_std_deg),
        "centre_std": _finite(proof.centre_std),
        "focal_std": _finite(proof.focal_std),
        "covariance": list(proof.covariance) or None,
    }


def _left_out(name: str, reason: str) -> dict[str, Any]:
    return {
        "name": name,
        "scene": None,
        "reason": reason,
        "focal_px": None,
        "observations": 0,
        "mean_reprojection_error_px": None,
        "confident_depth_share": None,
    }


def _pairs(reconstruction: Reconstruction, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each pair once: scenes may all report the pairs between them, and the scene that used one
    knows more of it."""
    reports: dict[Any, PairReport] = {}
    for scene in reconstruction.scenes:
        for report in scene.report.pairs:
            if report.used or report.pair not in reports:
                reports[report.pair] = report
    return [
        {
            "images": [names[pair.i], names[pair.j]],
            "used": report.used,
            "geometry": report.geometry.value,
            "correspondences": int(report.num_correspondences),
            "median_residual_px": _finite(report.median_residual_px),
            "reason": report.reason,
        }
        for pair, report in sorted(reports.items())
    ]


def _mean(values: np.ndarray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
