"""Encodings of 100 numbers, 800 bytes, of which two or three fit into memory."""

from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.inference.encodings import EncodingCache

COUNT, BYTES = 6, 800


def filled(folder: Path | None, most_bytes: int) -> EncodingCache:
    cache = EncodingCache([f"key {k}" for k in range(COUNT)], folder, most_bytes)
    for index in range(COUNT):
        cache.put(index, {"values": np.full(100, float(index))})
    return cache


def value(cache: EncodingCache, index: int) -> float:
    return float(cache[index]["values"][0])


@pytest.mark.parametrize("most_bytes", [0, BYTES, 3 * BYTES, COUNT * BYTES])
@pytest.mark.parametrize("on_disk", [False, True])
def test_any_bound_and_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_bytes: int, on_disk: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache = filled(tmp_path / "encodings" if on_disk else None, most_bytes)
    for index in np.random.default_rng(0).integers(-COUNT, COUNT, 50).tolist():
        assert value(cache, index) == index % COUNT
    assert [float(encoding["values"][0]) for encoding in cache] == list(range(COUNT))
    assert [float(encoding["values"][0]) for encoding in cache[1:6:2]] == [1, 3, 5]
    with pytest.raises(IndexError):
        cache[COUNT]


def test_only_the_last_used_are_in_memory(tmp_path: Path) -> None:
    cache = filled(tmp_path, 2 * BYTES)
    for index in (0, 1, 0):
        value(cache, index)
    cache[2]
    for index in range(COUNT):
        (tmp_path / f"{index:05d}.safetensors").unlink()
    assert (value(cache, 0), value(cache, 2)) == (0, 2)
    with pytest.raises(OutputError, match=r"00001\.safetensors: missing or damaged"):
        cache[1]


def test_what_does_not_fit_is_spilled_and_goes_with_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cache = filled(None, COUNT * BYTES)
    assert list(tmp_path.iterdir()) == [], "all fit"
    cache = filled(None, 2 * BYTES)
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.iterdir())) == COUNT - 2
    assert [value(cache, index) for index in range(COUNT)] == list(range(COUNT))
    del cache
    assert list(tmp_path.iterdir()) == []


def test_a_former_run_s_are_taken_up_by_their_key(tmp_path: Path) -> None:
    filled(tmp_path, 0)
    cache = EncodingCache(["key 0", "another", "key 2"], tmp_path, 10 * BYTES)
    assert [cache.restore(index) for index in range(3)] == [True, False, True]
    assert value(cache, 2) == 2
    assert not EncodingCache(["key 0"], None, 10 * BYTES).restore(0)
