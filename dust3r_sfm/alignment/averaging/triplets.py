"""Which pairs are believed before anything is averaged: those whose triplets close."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import rotation_angle_deg


@dataclass(frozen=True)
class TripletConfig:
    """Which edges are believed before anything is averaged."""

    max_error_deg: float = 5.0
    """A triplet whose rotations close to within this is consistent."""
    most: int = 24
    """Triplets looked at for each edge: plenty to judge it, and the cost stays linear."""


def _neighbours(edges: Edges) -> dict[int, dict[int, tuple[int, bool]]]:
    """For each view its neighbours, with the strongest edge between them and whether it leads there."""
    out: dict[int, dict[int, tuple[int, bool]]] = {}
    for edge in np.argsort(-edges.strength, kind="stable").tolist():
        tail, head = int(edges.tail[edge]), int(edges.head[edge])
        out.setdefault(tail, {}).setdefault(head, (edge, True))
        out.setdefault(head, {}).setdefault(tail, (edge, False))
    return out


def _triplets(edges: Edges, most: int) -> Int[np.ndarray, "t 5"]:
    """(edge i->j, an edge between j and k, whether it leads to k, one between k and i, whether to i)."""
    neighbours = _neighbours(edges)
    rows = []
    for edge, (i, j) in enumerate(zip(edges.tail.tolist(), edges.head.tolist(), strict=True)):
        common = sorted(neighbours[i].keys() & neighbours[j].keys())
        for k in common[:: max(1, -(-len(common) // most))]:
            rows.append((edge, *neighbours[j][k], *neighbours[k][i]))
    return np.array(rows, dtype=np.int64).reshape(-1, 5)


def _rotation_along(
    edges: Edges, edge: Int[np.ndarray, " t"], forward: Int[np.ndarray, " t"]
) -> Float[np.ndarray, "t 3 3"]:
    rotation = edges.j_from_i[edge, :3, :3]
    return np.where(forward[:, None, None] > 0, rotation, np.swapaxes(rotation, -1, -2))


def triplet_support(edges: Edges, config: TripletConfig) -> Float[np.ndarray, " e"]:
    """Strength of each edge times the share of its triplets that close (with one good and one bad
    triplet assumed of all). C. Zach et al., "Disambiguating visual relations using loop constraints",
    CVPR 2010, in its simplest form: support starts and weighs the averaging, which then judges."""
    table = _triplets(edges, config.most)
    if len(table) == 0:
        return edges.strength / 2.0
    first = edges.j_from_i[table[:, 0], :3, :3]
    second = _rotation_along(edges, table[:, 1], table[:, 2])
    third = _rotation_along(edges, table[:, 3], table[:, 4])
    closes = rotation_angle_deg(third @ second @ first) < config.max_error_deg
    total = np.bincount(table[:, 0], minlength=len(edges))
    consistent = np.bincount(table[:, 0], weights=closes, minlength=len(edges))
    return edges.strength * (consistent + 1.0) / (total + 2.0)
