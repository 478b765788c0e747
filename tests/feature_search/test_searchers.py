"""Processes that search pictures give what pycolmap's own way through a database gives, and write nothing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

import dust3r_sfm.feature_search.searchers as searchers_module
from dust3r_sfm.errors import Dust3rSfmError
from dust3r_sfm.feature_search.search import SearchSettings
from dust3r_sfm.feature_search.searchers import Searchers

SETTINGS = SearchSettings(first_octave=-1, max_features=300, peak_threshold=0.02 / 3)


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Of several sizes; the last shows nothing."""
    rng = np.random.default_rng(0)
    grainy = [
        np.asarray(Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).resize(size))
        for size in ((240, 180), (161, 240), (200, 200))
    ]
    return [*grainy, np.full((90, 120), 128, np.uint8)]


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchers_module, "num_workers", lambda: 2)


def search(pictures: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    with Searchers(len(pictures)) as searchers:
        return searchers.search(pictures, SETTINGS)


def assert_same(
    found: list[tuple[np.ndarray, np.ndarray]], expected: list[tuple[np.ndarray, np.ndarray]]
) -> None:
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_array_equal(a, b)


def by_a_database(pictures: list[np.ndarray], folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """The plain way, on disk."""
    (folder / "images").mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "images" / f"{index}.pgm")
    options = pycolmap.FeatureExtractionOptions(use_gpu=False)
    options.sift.first_octave = SETTINGS.first_octave
    options.sift.max_num_features = SETTINGS.max_features
    options.sift.peak_threshold = SETTINGS.peak_threshold
    pycolmap.extract_features(folder / "features.db", folder / "images", extraction_options=options)
    database = pycolmap.Database.open(folder / "features.db")
    ids = {image.name: image.image_id for image in database.read_all_images()}
    found = []
    for index in range(len(pictures)):
        number = ids[f"{index}.pgm"]
        descriptors = database.read_descriptors(number)
        keypoints = database.read_keypoints(number)[:, :2]
        found.append((keypoints.astype(np.float64), np.array(descriptors.data)))
    database.close()
    return found


@pytest.mark.usefixtures("two_cores")
def test_the_features_are_those_of_the_database(pictures: list[np.ndarray], tmp_path: Path) -> None:
    found = search(pictures)
    assert [len(pixels) > 100 for pixels, _ in found] == [True, True, True, False]
    assert_same(found, by_a_database(pictures, tmp_path))


def test_one_core_gives_the_same(pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searchers_module, "num_workers", lambda: 2)
    side_by_side = search(pictures)
    monkeypatch.setattr(searchers_module, "num_workers", lambda: 1)
    assert_same(search(pictures), side_by_side)


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("executable", ["", "/opt/editor/editor", "/none/python3"])
def test_programs_that_are_no_python_are_not_started(
    pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    expected = search(pictures)
    monkeypatch.setattr(sys, "executable", executable)
    with Searchers(len(pictures)) as searchers:
        assert not searchers._processes
        assert_same(searchers.search(pictures, SETTINGS), expected)


@pytest.mark.usefixtures("two_cores")
def test_a_process_that_the_system_ended_is_told_of(pictures: list[np.ndarray]) -> None:
    with Searchers(len(pictures)) as searchers:
        searchers._processes[0].kill()
        with pytest.raises(Dust3rSfmError, match=r"ended by the system \(exit code -9\)"):
            searchers.search(pictures, SETTINGS)
    assert all(process.returncode is not None for process in searchers._processes)


@pytest.mark.usefixtures("two_cores")
def test_a_picture_that_cannot_be_searched_is_told_of() -> None:
    empty = [np.zeros((0, 5), np.uint8)] * 2
    with pytest.raises(Dust3rSfmError, match="could not be searched"):
        search(empty)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks processes up in /proc")
def test_processes_end_with_whoever_started_them_however_that_ends() -> None:
    program = (
        "import time, numpy as np\n"
        "import dust3r_sfm.feature_search.searchers as module\n"
        "module.num_workers = lambda: 2\n"
        "searchers = module.Searchers(2)\n"
        "searchers.search([np.zeros((50, 50), np.uint8)] * 2, module.SearchSettings(0, 9, 0.01))\n"
        "print(*(process.pid for process in searchers._processes), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(_runs(int(child)) for child in children):
        assert time.monotonic() < deadline, "they live on"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.usefixtures("two_cores")
def test_no_folder_is_needed(pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = search(pictures)
    monkeypatch.setitem(os.environ, "TMPDIR", "/proc/no such folder")
    monkeypatch.setattr("tempfile.tempdir", None)
    assert_same(search(pictures), expected)
