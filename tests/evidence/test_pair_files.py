from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.evidence.pair_files import PairFiles, ReducedPair
from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.types import Correspondences, Pair, PairGeometry


def some(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.uniform(0.1, 9.0, shape).astype(np.float32)


def matches(rng: np.random.Generator, count: int) -> Correspondences:
    return Correspondences(some(rng, count, 2), some(rng, count, 2), some(rng, count))


def reduced_pair(count: int) -> ReducedPair:
    rng = np.random.default_rng(0)
    summary = PairSummary(
        pair=Pair(3, 1),
        geometry=PairGeometry.PLANAR,
        focal_i=400.125,
        focal_spread_i=0.1,
        depth_i=some(rng, 20),
        weights_i=some(rng, 20),
        points_j=some(rng, 20, 3),
        weights_j=some(rng, 20),
        matches=matches(rng, count),
        match_depth_i=some(rng, count),
        num_correspondences=77,
    )
    return ReducedPair(summary, matches(rng, 2 * count))


def assert_same(a: object, b: object) -> None:
    """Field by field, arrays to the last bit and in the same layout."""
    assert type(a) is type(b)
    for part in fields(a):  # type: ignore[arg-type]
        one, other = getattr(a, part.name), getattr(b, part.name)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype == np.float32
            assert one.flags.c_contiguous
            assert other.flags.c_contiguous
            np.testing.assert_array_equal(one, other)
        elif isinstance(one, Correspondences):
            assert_same(one, other)
        else:
            assert one == other


@pytest.mark.parametrize("count", [0, 5])
def test_a_pair_comes_back_as_it_was(tmp_path: Path, count: int) -> None:
    files, written = PairFiles(tmp_path, "key"), reduced_pair(count)
    files.write(written)
    read = files.read(Pair(3, 1))
    assert read is not None
    assert_same(read.summary, written.summary)
    assert_same(read.correspondences, written.correspondences)


def test_no_focal_and_no_correspondences_stay_none(tmp_path: Path) -> None:
    files, full = PairFiles(tmp_path, "key"), reduced_pair(5)
    files.write(ReducedPair(replace(full.summary, focal_i=None, focal_spread_i=np.inf), None))
    read = files.read(Pair(3, 1))
    assert read is not None
    assert (read.summary.focal_i, read.summary.focal_spread_i) == (None, np.inf)
    assert read.correspondences is None


def test_another_run_s_file_and_another_direction_are_not_read(tmp_path: Path) -> None:
    PairFiles(tmp_path, "key").write(reduced_pair(5))
    assert PairFiles(tmp_path, "other").read(Pair(3, 1)) is None
    assert PairFiles(tmp_path, "key").read(Pair(1, 3)) is None


def test_one_pair_s_file_under_another_s_name_is_none(tmp_path: Path) -> None:
    files = PairFiles(tmp_path, "key")
    files.write(reduced_pair(5))
    (written,) = tmp_path.iterdir()
    (tmp_path / "00001_00003.safetensors").write_bytes(written.read_bytes())
    assert files.read(Pair(1, 3)) is None
    assert files.read(Pair(3, 1)) is not None
