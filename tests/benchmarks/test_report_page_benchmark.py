"""What benchmarks.report_page measures."""

import json
from pathlib import Path

from benchmarks.report_page import Options, lines, repeat_photos
from dust3r_sfm.io.scene_file import SCENE_FILE, save_scene
from dust3r_sfm.types import Scene


def test_a_page_of_a_run_and_of_more_photos_is_timed(scene: Scene, tmp_path: Path) -> None:
    save_scene(scene, tmp_path / SCENE_FILE)
    (tmp_path / "report.json").write_text(json.dumps({"run": {"stage_seconds": {"Matching": 4.0}}}))
    rows = [line.strip("| ").split(" | ") for line in lines(Options((tmp_path,), 25))][2:]
    assert [row[1] for row in rows] == ["10", "25"]
    assert float(rows[0][3].rstrip("%")) > 0


def test_repeated_photos_are_each_compared_with_those_around(scene: Scene) -> None:
    large = repeat_photos(scene, 25)
    assert len({view.name for view in large.views}) == 25
    assert large.cameras[13] == scene.cameras[3]
    assert len(large.report.pairs) == 2 * sum(24 - offset for offset in range(8))
