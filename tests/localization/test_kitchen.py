"""Photos of a room against a mapped video of it, within the project's bounds. A file of its own: it takes as
long as all other tests of localization together, and workers share tests by file."""

from pathlib import Path

import pytest

from benchmarks.localization import Options, measure

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine"),
]


def test_a_kitchen_against_posed_video_frames(tmp_path: Path) -> None:
    """Better than SIFT with the truly nearest references, which reaches 2.38 cm, 1.05 deg, 90 %. Every
    eighth query; all of them by `benchmarks.localization`."""
    strangers = tuple(
        DATA / name / "images" for name in ("kitti_odometry_seq1", "sceaux_castle", "co3d_apple")
    )
    kitchen = DATA / "sevenscenes_redkitchen"
    options = Options(kitchen, strangers=strangers, num_strangers=12, every=8, skip_baseline=True)
    report = measure(options, tmp_path)
    known, free = report.known_focal.scores, report.unknown_focal
    assert known.answered == known.queries == 13
    assert known.median_cm is not None
    assert known.median_deg is not None
    assert known.median_cm <= 2.3
    assert known.median_deg <= 1.04
    assert known.recall_5cm_5deg == 1.0
    assert free.scores.median_cm is not None
    assert free.scores.median_cm <= 2 * known.median_cm
    assert free.focal_error is not None
    assert free.focal_error <= 0.01
    assert report.strangers is not None
    assert report.strangers.accepted == 0
    assert report.strangers.best_inliers < 0.8 * report.strangers.threshold
    assert report.strangers.worst_true_inliers > 2 * report.strangers.threshold
