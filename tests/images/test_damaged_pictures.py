"""Whatever a damaged file makes a decoder do is that file's alone, and so is the memory that it takes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hostile_files import FORMATS, damaged, deep_tiff, encoded, every_bit_turned, large

from dust3r_sfm.errors import UnusablePhotoError
from dust3r_sfm.images import load_views
from dust3r_sfm.images.decoding import open_picture, read_photo
from dust3r_sfm.images.decoding_memory import MemoryBudget, decoding_bytes
from dust3r_sfm.types import Framing, ImageSpec

SPEC = ImageSpec(64)
MIB = 2**20


def refusals(path: Path, files) -> list[UnusablePhotoError]:
    """Of those that are refused; anything else that is raised fails the test."""
    found = []
    for data in files:
        path.write_bytes(data)
        try:
            read_photo(path, SPEC)
        except UnusablePhotoError as error:
            found.append(error)
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    found = refusals(tmp_path / "a.jpg", damaged(encoded(kind), 150))
    assert len(found) > 10
    assert all("\n" not in str(error) and str(error) for error in found)


def test_a_turned_bit_that_makes_pillow_raise_a_type_error(tmp_path: Path) -> None:
    """Of 64 bits of the tag that says how the file is packed, some make a fraction of a whole number."""
    data = encoded("tiff")
    directory = int.from_bytes(data[4:8], "little")
    causes = {
        type(error.__cause__)
        for error in refusals(tmp_path / "a.tif", every_bit_turned(data, directory + 62, directory + 70))
    }
    assert TypeError in causes


def test_one_damaged_file_does_not_end_the_others(tmp_path: Path) -> None:
    for name in ("a.tif", "c.tif"):
        (tmp_path / name).write_bytes(encoded("tiff"))
    data = bytearray(encoded("tiff"))
    data[int.from_bytes(data[4:8], "little") + 64] ^= 1
    (tmp_path / "b.tif").write_bytes(data)
    loaded = load_views(tmp_path, SPEC)
    assert [view.name for view in loaded.views] == ["a.tif", "c.tif"]
    assert "cannot be decoded" in loaded.skipped["b.tif"]


def test_a_picture_larger_than_the_memory_given_is_refused_undecoded(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(encoded("jpeg"))
    (tmp_path / "deep.tif").write_bytes(deep_tiff((7000, 6000)))
    assert (tmp_path / "deep.tif").stat().st_size < MIB
    loaded = load_views(tmp_path, SPEC, memory_bytes=250 * MIB)
    assert [view.name for view in loaded.views] == ["a.jpg", "b.jpg"]
    assert "and 0.24 may be used" in loaded.skipped["deep.tif"]


CHILD = """
import resource, sys
from pathlib import Path
from dust3r_sfm.images.decoding import read_photo
from dust3r_sfm.types import Framing, ImageSpec
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_photo(Path(sys.argv[1]), ImageSpec(512, 16, Framing(sys.argv[2])))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit)
"""


@pytest.mark.parametrize(
    ("kind", "framing"),
    [
        *((kind, Framing.PUBLISHED) for kind in ("tiff_lzw", "webp", "deep")),
        *((kind, Framing.FIT) for kind in ("jpeg", "progressive")),
    ],
)
def test_decoding_takes_no_more_than_was_foreseen(tmp_path: Path, kind: str, framing: Framing) -> None:
    path, size = tmp_path / "a", (4000, 3000)
    path.write_bytes(deep_tiff(size) if kind == "deep" else large(kind, size))
    with open_picture(path) as image:
        foreseen = decoding_bytes(image, image.size, (512, 512))
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, path, framing.value], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < foreseen


def test_loaders_wait_for_one_another_where_memory_is_short() -> None:
    budget, most, held = MemoryBudget(100), 0, 0
    lock = threading.Lock()

    def work(wanted: int) -> None:
        nonlocal most, held
        with budget.held(wanted):
            with lock:
                held += wanted
                most = max(most, held)
            time.sleep(0.005)
            with lock:
                held -= wanted

    threads = [threading.Thread(target=work, args=(wanted,)) for wanted in (60, 50, 30, 100, 20, 70, 40) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert held == 0
    assert most <= 100


def test_a_failed_decoder_gives_its_memory_back() -> None:
    budget = MemoryBudget(100)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), budget.held(100):
            raise ValueError("broken")
    with pytest.raises(UnusablePhotoError, match="--max-memory"), budget.held(101):
        pass
