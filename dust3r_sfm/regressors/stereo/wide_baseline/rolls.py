"""Which photos of a set are rolled against the others, by quarter turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.matching.learned import LearnedFeatureConfig, LearnedFeatures
from dust3r_sfm.regressors.stereo.matching import match_descriptors
from dust3r_sfm.types import Pair


class WayUp(NamedTuple):
    """A view, and how it is turned."""

    view: int
    """Its index."""
    quarter_turns: int = 0
    """By 90 degrees anticlockwise, so many times."""


@dataclass(frozen=True)
class RollConfig:
    """When a photo is matched turned by quarters. It is told by numbers of keypoints whose descriptors are
    each other's nearest, in small pictures."""

    features: LearnedFeatureConfig = field(
        default_factory=lambda: LearnedFeatureConfig(long_edge_px=512, max_keypoints=1024)
    )
    """Keypoints that vote."""
    max_ratio: float = 0.9
    """Angle to the nearest descriptor over that to the next."""
    min_matches: int = 20
    """That the better way up must show."""
    min_gain: float = 1.5
    """Times as many as the next best way up."""


@dataclass(frozen=True)
class Likeness:
    """How much two photos look alike the best way up: with photo j turned so they have `matches`. `sure`:
    clearly more than any other way."""

    quarter_turns: int
    matches: int
    sure: bool


def likeness(
    features_i: LearnedFeatures, ways_up_j: Sequence[LearnedFeatures], config: RollConfig
) -> Likeness:
    """Of a photo as it stands and one turned anticlockwise 0, 1, 2, 3 times."""
    of_i = _descriptors(features_i)
    counts = [len(match_descriptors(of_i, _descriptors(turned), config.max_ratio)) for turned in ways_up_j]
    *_, second, best = sorted(counts)
    sure = best >= max(config.min_matches, config.min_gain * second)
    return Likeness(int(np.argmax(counts)), best, sure)


def turns_of_views(likenesses: Mapping[Pair, Likeness]) -> list[dict[int, int]]:
    """Quarter turns anticlockwise of each view that make those alike that look alike, 0 for the first: one
    dictionary for each set of views that sure pairs join, along the tree of the surest."""
    sure = {pair: found for pair, found in likenesses.items() if found.sure}
    if not sure:
        return []
    views = np.unique([(pair.i, pair.j) for pair in sure])
    rows, columns = np.searchsorted(views, np.array([(pair.i, pair.j) for pair in sure]).T)
    weights = np.array([1.0 / found.matches for found in sure.values()])
    tree = minimum_spanning_tree(coo_array((weights, (rows, columns)), shape=(len(views), len(views))))
    labels = label_components(rows, columns, len(views))
    roots = np.unique(labels, return_index=True)[1]
    return [_turns_from_root(tree, views, root, sure) for root in roots.tolist()]


def _turns_from_root(
    tree: csr_array, views: Int[np.ndarray, " n"], root: int, likenesses: Mapping[Pair, Likeness]
) -> dict[int, int]:
    order, before = breadth_first_order(tree, root, directed=False)
    turns = {int(views[root]): 0}
    for row in order[1:].tolist():
        view, last = int(views[row]), int(views[before[row]])
        turns[view] = (turns[last] + _turn(likenesses, last, view)) % 4
    return turns


def _turn(likenesses: Mapping[Pair, Likeness], from_view: int, to_view: int) -> int:
    forth = likenesses.get(Pair(from_view, to_view))
    return forth.quarter_turns if forth else -likenesses[Pair(to_view, from_view)].quarter_turns


def _descriptors(features: LearnedFeatures) -> Float[torch.Tensor, "n d"]:
    return torch.from_numpy(features.descriptors.astype(np.float32))
