"""The report's pairs, column by column: a tenth of the bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PairColumns:
    """Directed pairs, one an entry of each column. Words are indices into their lists."""

    first: tuple[int, ...]
    """The photo whose frame it was measured in, as an index in the report's images."""
    second: tuple[int, ...]
    """The other photo."""
    used: tuple[int, ...]
    """1 where the scene rests on it."""
    matches: tuple[int, ...]
    """Correspondences."""
    residual_px: tuple[float | None, ...]
    """Median, in view pixels; None where it was not used."""
    geometry: tuple[int, ...]
    """What it shows."""
    reason: tuple[int | None, ...]
    """Why it was not used."""
    geometries: tuple[str, ...]
    """What `geometry` counts in."""
    reasons: tuple[str, ...]
    """What `reason` counts in."""
    left_off: int
    """Pairs that only report.json has: unused ones, with the fewest matches."""


def pair_columns(pairs: Sequence[Mapping[str, Any]], names: Sequence[str], max_pairs: int) -> PairColumns:
    """Of `report_json`'s pairs and the names of its images."""
    number = {name: index for index, name in enumerate(names)}
    known = [pair for pair in pairs if all(name in number for name in pair["images"])]
    listed = sorted(known, key=lambda pair: (not pair["used"], -pair["correspondences"]))[:max_pairs]
    geometries = sorted({pair["geometry"] for pair in listed})
    reasons = sorted({pair["reason"] for pair in listed if pair["reason"] is not None})
    return PairColumns(
        first=tuple(number[pair["images"][0]] for pair in listed),
        second=tuple(number[pair["images"][1]] for pair in listed),
        used=tuple(int(pair["used"]) for pair in listed),
        matches=tuple(pair["correspondences"] for pair in listed),
        residual_px=tuple(_rounded(pair["median_residual_px"]) for pair in listed),
        geometry=tuple(geometries.index(pair["geometry"]) for pair in listed),
        reason=tuple(None if pair["reason"] is None else reasons.index(pair["reason"]) for pair in listed),
        geometries=tuple(geometries),
        reasons=tuple(reasons),
        left_off=len(known) - len(listed),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
