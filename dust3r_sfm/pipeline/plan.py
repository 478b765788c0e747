"""What a run is going to do and about how long it takes, known before the first pair."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dust3r_sfm.view_graph import ViewGraph


@dataclass(frozen=True)
class Cost:
    """Seconds on two CPU cores, measured at the regressor's own image size."""

    image_s: float
    pair_s: float


@dataclass(frozen=True)
class Plan:
    """What is known of a run before its first pair. What is None nobody measured."""

    num_images: int
    """Photos that are used."""
    num_pairs: int
    """Unordered pairs of them that are compared."""
    regressor: str
    """Its name."""
    expected_s: float | None
    """Seconds on two CPU cores."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Photo name -> why it is left out."""
    expected_bytes: int | None = None
    """Of memory."""
    most_more_s: float | None = None
    """Seconds granted for closer matching where photos stay apart."""

    def __str__(self) -> str:
        time = "" if self.expected_s is None else f", about {rough_time(self.expected_s)}"
        if self.most_more_s:
            time += f" (up to {rough_time(self.most_more_s)} more if photos stay apart)"
        memory = "" if self.expected_bytes is None else f", {self.expected_bytes / 2**30:.1f} GiB of memory"
        return f"{self.num_images} images, {self.num_pairs} pairs, regressor {self.regressor}{time}{memory}"


def plan_run(
    graph: ViewGraph,
    regressor: str,
    cost: Cost | None,
    skipped: Mapping[str, str],
    expected_bytes: int | None = None,
    most_more_s: float | None = None,
) -> Plan:
    """`graph.pairs` are directed; a pair and its swapped one are counted, and paid for, once."""
    num_pairs = len({(min(pair.i, pair.j), max(pair.i, pair.j)) for pair in graph.pairs})
    expected_s = None if cost is None else cost.image_s * graph.num_views + cost.pair_s * num_pairs
    return Plan(graph.num_views, num_pairs, regressor, expected_s, skipped, expected_bytes, most_more_s)


def rough_time(time_s: float) -> str:
    """One or two figures, no more than an estimate is worth."""
    if time_s < 90:
        return f"{max(10, round(time_s, -1)):.0f} s"
    if time_s < 90 * 60:
        return f"{time_s / 60:.0f} min"
    return f"{time_s / 3600:.1f} h"
