"""One world grown pair by pair along the strongest spanning tree: where the published descent starts."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from dust3r_sfm.geometry import transform_points
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.types import Pair, PairPrediction, Rigid

Points = Float[np.ndarray, "_h _w 3"]


def pair_score(prediction: PairPrediction) -> float:
    """Product of both mean confidences."""
    means = [c.mean(dtype=np.float64) for c in (prediction.confidence_i, prediction.confidence_j)]
    return float(means[0] * means[1])


def spanning_tree(pairs: Sequence[Pair], scores: Sequence[float], num_views: int) -> list[Pair]:
    """The tree of the highest total score, strongest pair first and each next the strongest that touches
    those before. The pairs must connect all views."""
    ends = np.array([(pair.i, pair.j) for pair in pairs]).T
    graph = csr_matrix((-np.array(scores), (ends[0], ends[1])), shape=(num_views, num_views))
    tree = minimum_spanning_tree(graph).tocoo()
    left = sorted(zip(tree.data.tolist(), tree.row.tolist(), tree.col.tolist(), strict=True))
    waiting = [Pair(i, j) for _, i, j in left]
    order = [waiting.pop(0)]
    touched = {order[0].i, order[0].j}
    while waiting:
        following = next(pair for pair in waiting if pair.i in touched or pair.j in touched)
        waiting.remove(following)
        order.append(following)
        touched |= {following.i, following.j}
    return order


def fit_similarity(points: Points, target: Points, confidence: Float[np.ndarray, "_h _w"]) -> Rigid:
    """The similarity target_from_points, weighted with confidence; points that are not finite have none."""
    known = np.isfinite(points).all(axis=-1) & np.isfinite(target).all(axis=-1)
    weights = np.where(known, confidence, 0.0).ravel().astype(np.float64)
    flat = [np.where(known[..., None], values, 0.0).reshape(-1, 3) for values in (points, target)]
    return umeyama(flat[0].astype(np.float64), flat[1].astype(np.float64), weights)


def world_points(
    predictions: Sequence[PairPrediction], num_views: int
) -> tuple[list[Points], list[tuple[Pair, Rigid]]]:
    """Points of every view in the frame of the tree's first pair, and the tree's pairs with the similarity
    that takes them there."""
    by_pair = {p.pair: p for p in predictions}
    scores = [pair_score(p) for p in predictions]
    world: dict[int, Points] = {}
    placed = []
    for pair in spanning_tree(list(by_pair), scores, num_views):
        prediction = by_pair[pair]
        if pair.i in world:
            similarity = fit_similarity(prediction.points_i, world[pair.i], prediction.confidence_i)
        elif pair.j in world:
            similarity = fit_similarity(prediction.points_j, world[pair.j], prediction.confidence_j)
        else:
            similarity = np.eye(4)
        world.setdefault(pair.i, _move(similarity, prediction.points_i))
        world.setdefault(pair.j, _move(similarity, prediction.points_j))
        placed.append((pair, similarity))
    return [world[view] for view in range(num_views)], placed


def _move(similarity: Rigid, points: Points) -> Points:
    return transform_points(similarity, points.reshape(-1, 3).astype(np.float64)).reshape(points.shape)
