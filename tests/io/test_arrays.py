"""Files of arrays come back as they were, or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.arrays import TemporaryFolder, array_from_text, read_arrays, text_from_array, write_arrays


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "some.safetensors"


def test_arrays_of_any_form_come_back(path: Path) -> None:
    table = np.arange(12.0).reshape(3, 4)
    arrays = {
        "turned": table.T,
        "every other column": table[:, ::2],
        "empty": np.zeros((0, 2), np.float32),
        "one number": np.array(3, np.uint16),
        "bits": np.array([True, False]),
        "half": np.array([0.1], np.float16),
        "other byte order": np.arange(3, dtype=">f8"),
    }
    write_arrays(path, "key", arrays)
    again = read_arrays(path, "key")
    assert again is not None
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype.newbyteorder("=")
        assert np.array_equal(again[name], array)
        assert again[name].shape == array.shape


def test_another_key_finds_nothing(path: Path) -> None:
    write_arrays(path, "key", {"a": np.zeros(3)})
    assert read_arrays(path, "other") is None


def test_what_cannot_be_kept_is_named(path: Path) -> None:
    with pytest.raises(AssertionError, match="words, waves: only booleans, integers and floats"):
        write_arrays(path, "key", {"words": np.array(["a"]), "waves": np.array([1j])})


def test_equal_arrays_are_equal_files(path: Path) -> None:
    contents = set()
    for _ in range(10):
        write_arrays(path, "key", {"a": np.arange(3.0), "b": np.zeros(2)})
        contents.add(path.read_bytes())
    assert len(contents) == 1


def test_any_damaged_byte_is_noticed(path: Path) -> None:
    write_arrays(path, "key", {"a": np.arange(3.0), "b": np.arange(4, dtype=np.uint8)})
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        assert read_arrays(path, "key") is None, position


def test_any_lost_end_is_noticed(path: Path) -> None:
    write_arrays(path, "key", {"a": np.arange(3.0)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_arrays(path, "key") is None, length


def test_text_as_an_array() -> None:
    assert text_from_array(array_from_text("größer 3")) == "größer 3"


def test_what_a_killed_process_left_in_the_temporary_folder_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    program = (
        "import os, signal; from dust3r_sfm.io.arrays import TemporaryFolder\n"
        "kept = TemporaryFolder(); (kept.path / 'map').touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / "dust3r_sfm_notes").mkdir()
    os.utime(tmp_path / "dust3r_sfm_notes", (0, 0))
    ours = TemporaryFolder()
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {ours.path.name, "dust3r_sfm_notes"}
    another = TemporaryFolder()
    assert ours.path.exists()
    del ours, another
    assert [path.name for path in tmp_path.iterdir()] == ["dust3r_sfm_notes"]


def test_no_temporary_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(OutputError, match=r"no temporary folder .*; name one in TMPDIR"):
        TemporaryFolder()
