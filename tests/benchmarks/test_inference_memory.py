"""The regressor of the memory benchmark is exact, and the benchmark measures what it says."""

import json
from pathlib import Path

import numpy as np

from benchmarks.full_maps import RADIUS, FullMaps, camera_centre
from benchmarks.inference_memory import Measured, Options, main, markdown
from dust3r_sfm.geometry import project
from dust3r_sfm.geometry.resampling import sample_nearest
from dust3r_sfm.progress import Silent
from dust3r_sfm.types import Camera, Pair


def test_full_maps_lie_on_the_ball_and_on_their_pixels() -> None:
    regressor = FullMaps(width=64, height=48, focal=55.0, correspondences=200)
    views, pair = regressor.views(3), Pair(1, 2)
    camera = Camera.pinhole(64, 48, 55.0, 55.0, 32.0, 24.0)
    encodings = regressor.encode(views)
    (found,) = regressor.predict(views, encodings, [pair], frozenset(), Silent())
    centre_i, centre_j = camera_centre(1), camera_centre(2)
    for points, own in ((found.points_i, centre_i), (found.points_j, centre_j)):
        np.testing.assert_allclose(np.linalg.norm(points + centre_i, axis=-1), RADIUS, rtol=1e-6)
        seen = project((points + (centre_i - own)).astype(np.float64), camera)
        v, u = np.mgrid[0.5:48, 0.5:64]
        np.testing.assert_allclose(seen, np.stack([u, v], axis=-1), atol=1e-3)
    matches = found.correspondences
    assert matches is not None
    assert 20 < len(matches) < 200
    at_i = sample_nearest(found.points_i, matches.pixels_i) + (centre_i - centre_j)
    np.testing.assert_allclose(project(at_i.astype(np.float64), camera), matches.pixels_j, atol=1e-3)


def test_a_run_is_measured_in_a_child(tmp_path: Path) -> None:
    main(Options(views=(2,), folder=tmp_path, json=tmp_path / "figures.json"))
    written = json.loads((tmp_path / "figures.json").read_text())
    (result,) = (Measured(**values) for values in written["results"])
    assert (result.views, result.directed_pairs, result.alignment_mib) == (2, 2, None)
    assert 50 < result.baseline_mib <= result.inference_mib < 4096
    # Four maps, all pixels known, two of three coordinates; two encodings; correspondences and samples.
    pixels, tokens = 512 * 384 / 2**20, 768 * 1024 * 4 / 2**20
    small = result.disk_mib - 24 * pixels - 2 * tokens
    assert 0 < small < 20 * result.correspondences / 2**20 + 0.3
    assert result.whole_pointmaps_mib == 2 * 2 * 16 * pixels
    assert list(tmp_path.iterdir()) == [tmp_path / "figures.json"]
    assert len({line.count("|") for line in markdown([result]).splitlines()}) == 1
