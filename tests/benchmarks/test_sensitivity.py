"""Every threshold of alignment can be varied by its name, and what comes of it is a table."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.sensitivity import (
    Figures,
    Options,
    is_share,
    page,
    read_figures,
    thresholds,
    vary_bounded,
    write_figures,
)
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
    before, after = AlignmentConfig(), vary_bounded(AlignmentConfig(), name, 2.0)
    for part in name.split("."):
        before, after = getattr(before, part), getattr(after, part)
    assert type(after) is type(before)
    doubled = tuple(2 * each for each in before) if isinstance(before, tuple) else 2 * before
    if is_share(name) and doubled > 1.0:
        assert after == pytest.approx(1.0)
    else:
        assert after == doubled


def test_the_most_influential_comes_first() -> None:
    known = {"": Figures(40, 0)}
    for name, right, wrong in (("bundle.max_error", 39, 0), ("averaging.max_passes", 40, 1)):
        known |= {f"{name} x0.5": Figures(right, wrong), f"{name} x2.0": Figures(40, 0)}
    lines = page(known, 8, StereoRegressor(StereoConfig()), (0.5, 2.0)).splitlines()
    assert (
        lines[-4] == "| of `AlignmentConfig` | default | right, x0.5 | right, x2 | wrong, x0.5 | wrong, x2 |"
    )
    assert lines[-2:] == [
        "| `averaging.max_passes` | 8 | 0 | 0 | +1 | 0 |",
        "| `bundle.max_error` | 0.003 | -1 | 0 | 0 | 0 |",
    ]


def test_a_share_stops_at_one_and_the_page_says_so() -> None:
    name = "incremental.min_covered"
    assert vary_bounded(AlignmentConfig(), name, 0.5).incremental.min_covered == 0.4
    known = {"": Figures(40, 0), f"{name} x1.5": Figures(38, 0)}
    (line,) = page(known, 8, StereoRegressor(StereoConfig()), (1.5,)).splitlines()[-1:]
    assert line == f"| `{name}` | 0.8 (to 1) | -2 | 0 |"


def test_figures_of_other_options_are_not_continued(tmp_path: Path) -> None:
    options = Options((tmp_path / "fountain",), tmp_path, json=tmp_path / "figures.json")
    known = {"": Figures(40, 0), "bundle.max_error x3.0": Figures(39, 1)}
    assert read_figures(options) == {}
    write_figures(options, known)
    assert read_figures(replace(options, factors=(3.0,), only=("bundle",))) == known
    for other in (
        replace(options, sets=(tmp_path / "lund",)),
        replace(options, sizes=(6,)),
        replace(options, draws=1),
        replace(options, seed=1),
    ):
        with pytest.raises(SystemExit, match=r"figures\.json: is of .* give another --json"):
            read_figures(other)
    options.json.write_text('{"": {"right": 40, "wrong": 0}}')  # as written before options were
    with pytest.raises(SystemExit, match="is of None"):
        read_figures(options)
