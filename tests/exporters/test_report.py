"""report.json."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.exporters.report import RunFacts, report_json, write_report
from dust3r_sfm.types import AlignmentStage, Pair, PairGeometry, PairReport, Reconstruction


@pytest.fixture
def facts(scene) -> RunFacts:
    return RunFacts(
        image_names=[*(view.name for view in scene.views), "lost.jpg"],
        skipped={"broken.jpg": "truncated"},
        regressor="stereo",
        stage_seconds={"inference": 1.5},
        peak_memory_mib=float("nan"),
    )


def test_images_carry_figures_at_original_resolution(scene, facts):
    # 0.3 px in a view that is a quarter of its file is 1.2 px in the file.
    shift = np.zeros_like(scene.tracks.pixels)
    shift[scene.tracks.view_index == 0, 0] = 0.3
    tracks = replace(scene.tracks, pixels=scene.tracks.pixels + shift)
    report = report_json(
        Reconstruction((replace(scene, tracks=tracks),), {"lost.jpg": "no pair holds it"}), facts
    )
    images = {image["name"]: image for image in report["images"]}
    assert images["landscape.jpg"]["mean_reprojection_error_px"] == pytest.approx(1.2)
    assert images["again.jpg"]["mean_reprojection_error_px"] == pytest.approx(0, abs=1e-9)
    assert images["exif_90.jpg"]["focal_px"] == pytest.approx([500, 500])
    assert images["landscape.jpg"]["observations"] == (scene.tracks.view_index == 0).sum()
    assert images["landscape.jpg"]["confident_depth_share"] == (scene.confidence[0] >= 1.5).mean()
    assert images["sees_nothing.jpg"]["mean_reprojection_error_px"] is None
    assert images["lost.jpg"]["reason"] == "no pair holds it"
    assert images["broken.jpg"]["reason"] == "truncated"
    totals = {"images": 12, "images_posed": 10, "scenes": 1, "pairs": 2, "pairs_used": 1, "passed_over": 0}
    assert report["totals"] == totals


def test_pairs_are_named_and_listed_once(scene, facts):
    between = PairReport(Pair(9, 10), False, PairGeometry.UNRELATED, 2, float("inf"), "no support")
    other = replace(
        scene,
        report=replace(scene.report, pairs=(replace(scene.report.pairs[0], used=False), between)),
    )
    report = report_json(Reconstruction((scene, other), {}), facts)
    assert [(p["images"], p["used"], p["geometry"], p["median_residual_px"]) for p in report["pairs"]] == [
        (["landscape.jpg", "again.jpg"], True, "general", 0.25),
        (["again.jpg", "sees_nothing.jpg"], False, "unrelated", None),
        (["sees_nothing.jpg", "lost.jpg"], False, "unrelated", None),
    ]
    assert report["scenes"][0]["bundle_adjustment"] == "kept"


def test_stages_are_told_with_figures_that_json_can_hold(scene, facts):
    stages = (
        AlignmentStage("refinement", 12.5, 0.5, "view pixels"),
        AlignmentStage("bundle adjustment", float("inf"), 0.25, "pixels of the photo"),
    )
    told = replace(scene, report=replace(scene.report, stages=stages))
    report = report_json(Reconstruction((told,), {}), facts)
    first = {"name": "refinement", "objective": 12.5, "median_residual": 0.5, "unit": "view pixels"}
    assert report["scenes"][0]["stages"][0] == first
    assert report["scenes"][0]["stages"][1]["objective"] is None


def test_written_report_is_strict_json(scene, facts, tmp_path):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    behind = replace(scene, tracks=replace(scene.tracks, xyz=scene.tracks.xyz - [0, 0, 100]))
    write_report(report_json(Reconstruction((behind,), {}), facts), tmp_path / "a" / "report.json")
    report = json.loads((tmp_path / "a" / "report.json").read_text(), parse_constant=refuse)
    assert report["run"]["peak_memory_mib"] is None
    assert report["run"]["stage_seconds"] == {"inference": 1.5}
    assert report["scenes"][0]["mean_reprojection_error_px"] is None
    assert "pycolmap" in report["run"]["versions"]
