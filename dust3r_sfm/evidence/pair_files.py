"""What is kept of a pair besides its maps, in one small file: its summary and its correspondences."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dust3r_sfm.evidence.summary import PairSummary
from dust3r_sfm.io.arrays import SUFFIX, array_from_text, read_arrays, text_from_array, write_arrays
from dust3r_sfm.types import Correspondences, Pair, PairGeometry


@dataclass(frozen=True, eq=False)
class ReducedPair:
    """A summary, and the pair's correspondences (float32, thinned), None where it has none at all."""

    summary: PairSummary
    correspondences: Correspondences | None


@dataclass(frozen=True)
class PairFiles:
    """One file a directed pair, named by its view indices; `key` says which run a file belongs to. A file
    says itself which pair it is of: under another's name it is none."""

    folder: Path
    key: str

    def write(self, reduced: ReducedPair) -> None:
        """Raises OutputError when it cannot be written."""
        pair = reduced.summary.pair
        write_arrays(self._path(pair), self._key(pair), _arrays_from_pair(reduced))

    def read(self, pair: Pair) -> ReducedPair | None:
        """None where there is none of this run, or none that can be read."""
        arrays = read_arrays(self._path(pair), self._key(pair))
        return None if arrays is None else _pair_from_arrays(pair, arrays)

    def _key(self, pair: Pair) -> str:
        return f"{self.key} pair {pair.i} {pair.j}"

    def _path(self, pair: Pair) -> Path:
        return self.folder / f"{pair.i:05d}_{pair.j:05d}{SUFFIX}"


def _arrays_from_pair(reduced: ReducedPair) -> dict[str, np.ndarray]:
    """Few arrays with many columns: each array of a file costs time of its own."""
    s, m = reduced.summary, reduced.summary.matches
    focal = np.nan if s.focal_i is None else s.focal_i
    arrays = {
        "geometry": array_from_text(s.geometry.value),
        "numbers": np.array([focal, s.focal_spread_i, s.num_correspondences], np.float64),
        "samples": np.column_stack([s.depth_i, s.weights_i, s.points_j, s.weights_j]),
        "matches": np.column_stack([m.pixels_i, m.pixels_j, m.weights, s.match_depth_i]),
    }
    if (found := reduced.correspondences) is not None:
        arrays["correspondences"] = np.column_stack([found.pixels_i, found.pixels_j, found.weights])
    return arrays


def _pair_from_arrays(pair: Pair, arrays: Mapping[str, np.ndarray]) -> ReducedPair:
    focal, spread, count = arrays["numbers"].tolist()
    depth_i, weights_i, points_j, weights_j = _columns(arrays["samples"], (1, 1, 3, 1))
    *matches, match_depth = _columns(arrays["matches"], (2, 2, 1, 1))
    found = arrays.get("correspondences")
    summary = PairSummary(
        pair=pair,
        geometry=PairGeometry(text_from_array(arrays["geometry"])),
        focal_i=None if np.isnan(focal) else focal,
        focal_spread_i=spread,
        depth_i=depth_i,
        weights_i=weights_i,
        points_j=points_j,
        weights_j=weights_j,
        matches=Correspondences(*matches),
        match_depth_i=match_depth,
        num_correspondences=int(count),
    )
    return ReducedPair(summary, None if found is None else Correspondences(*_columns(found, (2, 2, 1))))


def _columns(table: np.ndarray, widths: tuple[int, ...]) -> list[np.ndarray]:
    """A contiguous array for each group of columns, without its last axis where that is one wide."""
    parts = np.split(table, np.cumsum(widths)[:-1], axis=1)
    return [
        np.ascontiguousarray(part[:, 0] if width == 1 else part)
        for part, width in zip(parts, widths, strict=True)
    ]
