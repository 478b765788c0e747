"""Rotations put right by votes: re-weighting alone stays where it started when whole views start wrong.

Views that a cycle of agreeing pairs holds together form a block, whose rotations are known but for a
turn of it all. (A view held by one pair alone is a block of its own, agree though it must with that pair.)
Every pair between two blocks proposes such a turn; they are joined by the one that most pairs propose, the
surest first. Random errors hardly ever agree, so that two pairs outvote any number of them.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import breadth_first_order, connected_components

from dust3r_sfm.alignment.edges import Edges
from dust3r_sfm.geometry import rotation_angle_deg

ROTATION_ERROR_DEG = 3.0
"""Disagreement of rotations that is never held against an edge."""
OUTLYING = 6.0
"""Beyond what is tolerated, an edge this many times worse than the median one is wrong."""
GROSSLY_DEG = 20.0
"""Proposals that differ by less are about as good a start for refinement as each other."""
DECIDING = 1.5
"""Times as strong a proposal must be as one that has as many votes."""
MOST_VOTERS = 300
"""Edges between two blocks, the strongest, that vote."""

Labels = Int[np.ndarray, " n"]
Rotations = Float[np.ndarray, "n 3 3"]


def tolerance(error: Float[np.ndarray, " e"], tolerated: float) -> float:
    """The largest error that is not outlying."""
    return max(tolerated, OUTLYING * float(np.median(error)))


def rigid_blocks(tail: Int[np.ndarray, " e"], head: Int[np.ndarray, " e"], num_views: int) -> Labels:
    """A label for each view: those with the same one stay connected whichever pair is taken away.

    A tree edge is a bridge if no other edge leads out of the part below it: then the random numbers of the
    other edges, added up (exclusive or) over that part's views, cancel.
    """
    ends = np.unique(np.sort(np.stack([tail, head], axis=1), axis=1), axis=0)
    order, above = _breadth_first(ends, num_views)
    in_tree = (above[ends[:, 0]] == ends[:, 1]) | (above[ends[:, 1]] == ends[:, 0])
    number = np.random.default_rng(0).integers(1, 2**63, np.count_nonzero(~in_tree))
    total = np.zeros(num_views + 1, dtype=np.int64)
    for side in ends[~in_tree].T:
        np.bitwise_xor.at(total, side, number)
    for view in order[:0:-1]:
        total[above[view]] ^= total[view]
    labels = np.arange(num_views)
    for view in order[1:]:
        if total[view] != 0:
            labels[view] = labels[above[view]]
    return labels


def _breadth_first(
    ends: Int[np.ndarray, "pairs 2"], num_views: int
) -> tuple[Int[np.ndarray, " nodes"], Int[np.ndarray, " nodes"]]:
    """All nodes from the root on, and the one above each; the root, number `num_views`, joins the parts."""
    alone = sparse.csr_matrix((np.ones(len(ends)), ends.T), shape=(num_views, num_views))
    first = np.unique(connected_components(alone, directed=False)[1], return_index=True)[1]
    roots = np.stack([first, np.full(len(first), num_views)], axis=1)
    every = np.concatenate([ends, roots])
    graph = sparse.csr_matrix((np.ones(len(every)), every.T), shape=(num_views + 1, num_views + 1))
    return breadth_first_order(graph, num_views, directed=False)


@dataclass(frozen=True)
class Voted:
    """cam_from_world rotations of all views, and the edges of which nothing tells whether they or others
    between the same blocks are right."""

    rotations: Rotations
    undecided: Bool[np.ndarray, " e"]


@dataclass(frozen=True)
class _Ballot:
    """What is voted on. Proposals that differ by less than `same_deg` are the same."""

    edges: Edges
    support: Float[np.ndarray, " e"]
    rotations: Rotations
    labels: Labels
    same_deg: float

    def block_ends(self) -> Int[np.ndarray, "e 2"]:
        """The labels of both ends of each edge, the lesser first."""
        return np.sort(self.labels[np.stack([self.edges.tail, self.edges.head], axis=1)], axis=1)


@dataclass(frozen=True)
class _Proposal:
    """Blocks `into` and `moved` become one by `turn`, into_from_moved. `rank`: votes more than the next
    one's, votes, strength; `decided`: no other is grossly different and about as good."""

    into: int
    moved: int
    turn: Float[np.ndarray, "3 3"]
    rank: tuple[int, int, float]
    decided: bool


def voted(
    edges: Edges, rotations: Rotations, error_deg: Float[np.ndarray, " e"], support: Float[np.ndarray, " e"]
) -> Voted:
    """The averaged rotations, with blocks turned as most pairs between them have it. `error_deg` is what is
    left of each edge."""
    tolerated = tolerance(error_deg, ROTATION_ERROR_DEG)
    agree = error_deg <= tolerated
    labels = rigid_blocks(edges.tail[agree], edges.head[agree], len(rotations))
    if agree.all() or (labels == labels[0]).all():
        return Voted(rotations, np.zeros(len(edges), dtype=bool))
    ballot = _Ballot(edges, support, rotations, labels, 2.0 * tolerated)
    proposals = _proposals(ballot, None)
    while decided := [p for p in proposals.values() if p.decided]:
        best = max(decided, key=lambda p: p.rank)
        ballot = _joined(ballot, best)
        gone = {best.into, best.moved}
        proposals = {key: p for key, p in proposals.items() if not gone & set(key)}
        proposals.update(_proposals(ballot, best.into))
    ends = ballot.block_ends()
    return Voted(ballot.rotations, ends[:, 0] != ends[:, 1])


def _joined(ballot: _Ballot, proposal: _Proposal) -> _Ballot:
    moved = ballot.labels == proposal.moved
    rotations = ballot.rotations.copy()
    rotations[moved] = rotations[moved] @ proposal.turn.T
    return replace(ballot, rotations=rotations, labels=np.where(moved, proposal.into, ballot.labels))


def _proposals(ballot: _Ballot, block: int | None) -> dict[tuple[int, int], _Proposal]:
    """The best one for each two blocks that edges join; for those with `block` only, if it is given."""
    ends = ballot.block_ends()
    rows = np.flatnonzero(ends[:, 0] != ends[:, 1])
    if block is not None:
        rows = rows[(ends[rows] == block).any(axis=1)]
    if not len(rows):
        return {}
    keys, owner = np.unique(ends[rows], axis=0, return_inverse=True)
    order = np.argsort(owner.ravel(), kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(owner.ravel()))[:-1])
    return {(a, b): _proposal(ballot, a, b, part) for (a, b), part in zip(keys.tolist(), parts, strict=True)}


def _proposal(ballot: _Ballot, into: int, moved: int, rows: Int[np.ndarray, " k"]) -> _Proposal:
    rows = rows[np.argsort(-ballot.support[rows], kind="stable")[:MOST_VOTERS]]
    turns = _turns(ballot, into, rows)
    apart = rotation_angle_deg(np.swapaxes(turns[:, None], -1, -2) @ turns[None])
    same = apart < ballot.same_deg
    votes, strength = _undirected(ballot.edges, rows, same), same @ ballot.support[rows]
    best = int(np.lexsort((strength, votes))[-1])
    rivals = ~same[best]
    equal = rivals & (votes == votes[best]) & (apart[best] > GROSSLY_DEG)
    decided = strength[best] >= DECIDING * strength[equal].max(initial=0.0)
    lead = int(votes[best]) - int(votes[rivals].max(initial=0))
    return _Proposal(into, moved, turns[best], (lead, int(votes[best]), float(strength[best])), bool(decided))


def _turns(ballot: _Ballot, into: int, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k 3 3"]:
    """into_from_moved as each edge has it."""
    tail, head = ballot.edges.tail[rows], ballot.edges.head[rows]
    chained = ballot.edges.j_from_i[rows, :3, :3] @ ballot.rotations[tail]
    turns = np.swapaxes(chained, -1, -2) @ ballot.rotations[head]
    forward = ballot.labels[tail] == into
    return np.where(forward[:, None, None], turns, np.swapaxes(turns, -1, -2))


def _undirected(
    edges: Edges, rows: Int[np.ndarray, " k"], same: Bool[np.ndarray, "k k"]
) -> Int[np.ndarray, " k"]:
    """How many pairs each row of `same` holds, both directions counted once."""
    ends = np.sort(np.stack([edges.tail[rows], edges.head[rows]], axis=1), axis=1)
    pair = np.unique(ends, axis=0, return_inverse=True)[1].ravel()
    return np.count_nonzero(same.astype(np.int64) @ np.eye(pair.max() + 1, dtype=np.int64)[pair], axis=1)
