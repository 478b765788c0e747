"""Groups of views that too few points hold to each other: what one view must share, a group must, too.

Where two pairs join two groups, the four directions they tell are just what puts one group where it stands,
and how large: nothing is left over to check it. Points seen by two views of one group and by one of the other
are what does (H. Longuet-Higgins, "A computer algorithm for reconstructing a scene from two projections",
1981, leaves a pair's size open; a third view of the same points closes it).
"""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Int
from scipy.sparse.csgraph import minimum_spanning_tree

from dust3r_sfm.geometry.graph import label_components
from dust3r_sfm.types import Tracks

MIN_VIEWS = 3
"""Views of a point that tells sizes."""


def track_parts(tracks: Tracks, num_views: int, least: int) -> Int[np.ndarray, " n"]:
    """A label for each view: groups of two and more views differ where fewer than `least` points are seen
    from both and by three views in all. Groups are what is left of the tree of the views that see most points
    together when its weak branches are cut. Single views are left where they are."""
    sees = _sees(tracks, num_views)
    together = (sees @ sees.T).tocoo()
    joined = together.row != together.col
    counts, ends = together.data[joined], np.stack([together.row[joined], together.col[joined]])
    graph = sparse.csr_matrix((1.0 / counts, ends), shape=(num_views, num_views))
    tree = minimum_spanning_tree(graph).tocoo()
    edges = np.stack([tree.row, tree.col], axis=1).astype(np.int64)
    weakest_first = np.argsort(-tree.data, kind="stable")
    kept = np.ones(len(edges), dtype=bool)
    for edge in weakest_first[tree.data[weakest_first] > 1.0 / least].tolist():
        kept[edge] = False
        label = label_components(edges[kept, 0], edges[kept, 1], num_views)
        sides = [label == label[end] for end in edges[edge]]
        kept[edge] = min(map(np.count_nonzero, sides)) == 1 or _common_points(sees, sides) >= least
    return label_components(edges[kept, 0], edges[kept, 1], num_views)


def _sees(tracks: Tracks, num_views: int) -> sparse.csr_matrix:
    """Which views see which points, of those that enough views see: 1 or 0."""
    points = len(tracks.xyz)
    enough = np.bincount(tracks.point_index, minlength=points)[tracks.point_index] >= MIN_VIEWS
    rows, columns = tracks.view_index[enough], tracks.point_index[enough]
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(num_views, points))


def _common_points(sees: sparse.csr_matrix, sides: list[Bool[np.ndarray, " n"]]) -> int:
    """Points seen from either side, and by enough views of both together."""
    first, second = (np.asarray(sees[np.flatnonzero(side)].sum(axis=0)).ravel() for side in sides)
    return int(np.count_nonzero((first > 0) & (second > 0) & (first + second >= MIN_VIEWS)))
