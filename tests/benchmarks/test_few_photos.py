"""Few photos: hardly one is left out where they suffice, and none is placed wrongly. A small part of what
docs/benchmarks.md reports of."""

from pathlib import Path

import pytest

from benchmarks import few_photos, rendered_sets
from dust3r_sfm.matching.learned import why_unavailable

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.learned,
    # Without them the same photos are searched as if tilted, which takes many minutes.
    pytest.mark.skipif(why_unavailable() is not None, reason=f"learned matches: {why_unavailable()}"),
]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    kinds = ("room", "relief_wall", "facade", "open_ground", "pans")
    rendered_sets.main(rendered_sets.Options(folder, kinds, seed=5, count=6, sets=1))
    return folder


def rows_of(sets: tuple[Path, ...], keep: Path, sizes: tuple[int, ...]) -> list[few_photos.Row]:
    return list(few_photos.measure(few_photos.Options(sets, keep, sizes, draws=0)))


def test_of_rendered_places_no_photo_is_wrong(rendered: Path, tmp_path: Path) -> None:
    names = ("room-5", "relief_wall-5", "facade-5", "open_ground-5")
    rows = rows_of(tuple(rendered / name for name in names), tmp_path, (4, 6))
    assert [row.wrong for row in rows] == [()] * len(rows)
    assert sum(row.right for row in rows) >= 0.4 * sum(len(row.photos) for row in rows)


def test_of_a_camera_that_only_turns_there_is_no_model(rendered: Path, tmp_path: Path) -> None:
    assert [row.scenes for row in rows_of((rendered / "pans-5",), tmp_path, (4, 6))] == [(), ()]


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine")
def test_of_real_photos_none_is_wrong(tmp_path: Path) -> None:
    names = ("strecha_entry_p10", "reichstag_internet", "co3d_apple", "middlebury_temple_sparsering")
    rows = rows_of(tuple(DATA / name for name in names), tmp_path, (4, 6))
    assert [row.wrong for row in rows] == [()] * len(rows)
    assert sum(row.right for row in rows) >= 0.4 * sum(len(row.photos) for row in rows)
