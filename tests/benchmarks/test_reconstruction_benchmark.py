"""The benchmark's own book-keeping; the programs it runs have their own tests."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.measuring import Usage, run_measured
from benchmarks.reconstruction import Ratios, Result, Rival, SetResult, markdown, seconds_a_pair
from dust3r_sfm.evaluation import PoseScores

SCORES = PoseScores(5, 4, 0.3, 0.6, 0.7, 0.2, 0.5, 0.8, 0.55, 1.25, 2.5, 0.0123, 0.4, None)


def test_a_child_s_cost_is_measured(tmp_path: Path) -> None:
    code = "import time; x = bytearray(300 << 20); time.sleep(0.3); print(len(x)); raise SystemExit(3)"
    usage = run_measured([sys.executable, "-c", code], tmp_path / "logs" / "child.log")
    assert usage.exit_code == 3
    assert usage.wall_s >= 0.3
    assert usage.peak_mib > 300
    assert (tmp_path / "logs" / "child.log").read_text().strip() == str(300 << 20)


def test_a_pair_counts_once_in_either_direction(tmp_path: Path) -> None:
    pairs = [{"images": ["a", "b"]}, {"images": ["b", "a"]}, {"images": ["b", "c"]}]
    written = {"pairs": pairs, "run": {"stage_seconds": {"Matching": 3.0, "Global mapping": 2.0}}}
    (tmp_path / "report.json").write_text(json.dumps(written))
    assert seconds_a_pair(tmp_path / "report.json") == pytest.approx(2.5)
    assert seconds_a_pair(tmp_path / "missing.json") is None


def test_the_table_shows_both_and_the_ratios() -> None:
    colmap = Result(Usage(10.0, 20.0, 400.0, 0), SCORES)
    ours = Result(Usage(5.0, 30.0, 500.0, 0), SCORES, 0.5)
    rivals = (Rival("incremental", colmap, Ratios(0.5, 1.5, 1.25)),)
    table = markdown([SetResult("door", ours, rivals)]).splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert table[2].startswith(
        "| door | COLMAP, incremental | 4 of 5 | 0.550 | 0.60 | 0.50 | 1.250 / 2.500 | 0.0123 | - |"
    )
    assert "| 10 (ours x0.50) | 20 (ours x1.50) | 400 (ours x1.25) | - |" in table[2]
    assert table[3].endswith("| 5 | 30 | 500 | 0.50 |")
