"""Every threshold of alignment can be varied by its name, and what comes of it is a table."""

import pytest

from benchmarks.few_photos import vary
from benchmarks.sensitivity import Figures, page, thresholds
from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor

NAMES = list(thresholds(AlignmentConfig()))


def test_all_are_found() -> None:
    assert len(NAMES) == len(set(NAMES)) > 100
    assert {"verification.witnesses.min_cells", "bundle.max_error", "averaging.tolerance.outlying"} <= set(
        NAMES
    )
    assert not {"seed", "cameras"} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_doubled_by_its_name(name: str) -> None:
    before, after = AlignmentConfig(), vary(AlignmentConfig(), name.split("."), 2.0)
    for part in name.split("."):
        before, after = getattr(before, part), getattr(after, part)
    assert type(after) is type(before)
    doubled = tuple(2 * each for each in before) if isinstance(before, tuple) else 2 * before
    assert after == doubled


def test_the_most_influential_comes_first() -> None:
    known = {"": Figures(40, 0)}
    for name, right, wrong in (("bundle.max_error", 39, 0), ("averaging.max_passes", 40, 1)):
        known |= {f"{name} x0.5": Figures(right, wrong), f"{name} x2.0": Figures(40, 0)}
    lines = page(known, 8, StereoRegressor(StereoConfig())).splitlines()
    assert lines[-2:] == [
        "| `averaging.max_passes` | 8 | 0 | 0 | +1 | 0 |",
        "| `bundle.max_error` | 0.003 | -1 | 0 | 0 | 0 |",
    ]
