"""The benchmark of alignment alone measures what it says."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alignment_scale import Measured, Options, graph_pairs, main, make_predictions, markdown
from dust3r_sfm.types import Pair


def test_predictions_are_those_of_the_graph_with_the_noise_asked_for() -> None:
    options = Options(width=64, height=48, outliers=0.0)
    rig, views, made = make_predictions(options, 3, "mixed")
    predictions = list(made)
    assert [p.pair for p in predictions] == graph_pairs(3, "complete")
    assert len({camera.fx for camera in rig.cameras}) == 3
    first, again = predictions[0], next(make_predictions(replace(options, noise=0.0), 3, "mixed")[2])
    spread = np.abs(first.points_i / again.points_i[..., 2:] - again.points_i / again.points_i[..., 2:])
    assert 1.4826 * np.median(spread) == pytest.approx(0.01, rel=0.05)
    assert first.points_i.dtype == np.float32
    assert views[0].size == (64, 48)


def test_pairs_are_those_of_the_command_line() -> None:
    assert graph_pairs(4, "swin-1-noncyclic") == [
        Pair(0, 1),
        Pair(1, 0),
        Pair(1, 2),
        Pair(2, 1),
        Pair(2, 3),
        Pair(3, 2),
    ]


def test_a_run_is_measured_in_a_child(tmp_path: Path) -> None:
    main(Options(views=(3,), focals=("same",), width=64, height=48, json=tmp_path / "figures.json"))
    written = json.loads((tmp_path / "figures.json").read_text())
    (result,) = (Measured(**values) for values in written["results"])
    assert (result.views, result.directed_pairs, result.registered) == (3, 6, 3)
    assert result.ate is not None
    assert result.ate < 0.02
    assert result.rta_5 == 1.0
    assert 50 < result.baseline_mib <= result.peak_mib < 4096
    assert result.alignment_cpu_s > 0
    assert "same" in markdown([result])
