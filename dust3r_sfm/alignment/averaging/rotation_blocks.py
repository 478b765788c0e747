"""Rotations put right by votes: re-weighting alone stays where it started when whole views start wrong.

Views that a cycle of agreeing pairs holds together form a block, whose rotations are known but for a
turn of it all. (A view held by one pair alone is a block of its own, agree though it must with that pair.)
Every pair between two blocks proposes such a turn; they are joined by the one that most pairs propose, the
surest first. Random errors hardly ever agree, so that two pairs outvote any number of them. Where single
pairs are all there is, three of them that close between three blocks are worth as much.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.geometry.graph import label_two_edge_components

Labels = Int[np.ndarray, " n"]
Rotations = Float[np.ndarray, "n 3 3"]


@dataclass(frozen=True)
class RotationBlockConfig:
    """When one block's turn against another is decided."""

    grossly_deg: float = 20.0
    """Proposals that differ by less are about as good a start for refinement as each other."""
    deciding: float = 1.5
    """Times as strong a proposal must be as one that has as many votes."""
    most_voters: int = 300
    """Edges between two blocks, the strongest, that vote."""
    most_triangles: int = 200
    """Threes of blocks that are looked at."""
    most_sides: int = 20
    """Edges on each side of one, the strongest, that are looked at."""


@dataclass(frozen=True)
class AlignedBlocks:
    """cam_from_world rotations of all views, and the edges of which nothing tells whether they or others
    between the same blocks are right."""

    rotations: Rotations
    undecided: Bool[np.ndarray, " e"]


@dataclass(frozen=True)
class _Ballot:
    """What is voted on. Proposals that differ by less than `same_deg` are the same."""

    edges: Edges
    rotations: Rotations
    labels: Labels
    same_deg: float
    config: RotationBlockConfig

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


def align_rotation_blocks(
    edges: Edges,
    rotations: Rotations,
    error_deg: Float[np.ndarray, " e"],
    tolerated: float,
    config: RotationBlockConfig,
) -> AlignedBlocks:
    """The averaged rotations, with blocks turned as most pairs between them have it. `error_deg` is what is
    left of each edge, `tolerated` what is not held against one."""
    agree = error_deg <= tolerated
    labels = label_two_edge_components(edges.tail[agree], edges.head[agree], len(rotations))
    if agree.all() or (labels == labels[0]).all():
        return AlignedBlocks(rotations, np.zeros(len(edges), dtype=bool))
    ballot = _decide(_Ballot(edges, rotations, labels, 2.0 * tolerated, config))
    ends = ballot.block_ends()
    return AlignedBlocks(ballot.rotations, ends[:, 0] != ends[:, 1])


def _decide(ballot: _Ballot) -> _Ballot:
    """Blocks joined until nothing tells how to join more: by majorities of two pairs and more, then where
    three blocks close, last by single pairs."""
    proposals = _proposals(ballot, None)
    untried = set(np.unique(ballot.labels).tolist())
    while True:
        best = max((p for p in proposals.values() if p.decided), key=lambda p: p.rank, default=None)
        joins = [] if best is None else [best]
        if best is None or best.rank[1] == 1:
            joins = _close_triangles(ballot, set(proposals), untried) or joins
            untried = set()
        if not joins:
            return ballot
        for join in joins:
            ballot = _join(ballot, join)
            gone = {join.into, join.moved}
            proposals = {key: p for key, p in proposals.items() if not gone & set(key)}
            untried = (untried - gone) | {join.into}
        proposals.update(_proposals(ballot, joins[0].into))


def _join(ballot: _Ballot, proposal: _Proposal) -> _Ballot:
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
    rows = rows[np.argsort(-ballot.edges.strength[rows], kind="stable")[: ballot.config.most_voters]]
    turns = _turns(ballot, into, rows)
    apart = rotation_angle_deg(np.swapaxes(turns[:, None], -1, -2) @ turns[None])
    same = apart < ballot.same_deg
    votes, strength = _count_undirected(ballot.edges, rows, same), same @ ballot.edges.strength[rows]
    best = int(np.lexsort((strength, votes))[-1])
    rivals = ~same[best]
    equal = rivals & (votes == votes[best]) & (apart[best] > ballot.config.grossly_deg)
    decided = strength[best] >= ballot.config.deciding * strength[equal].max(initial=0.0)
    lead = int(votes[best]) - int(votes[rivals].max(initial=0))
    return _Proposal(into, moved, turns[best], (lead, int(votes[best]), float(strength[best])), bool(decided))


def _close_triangles(ballot: _Ballot, joined: set[tuple[int, int]], untried: set[int]) -> list[_Proposal]:
    """How the three blocks become one of which three edges close best, if any do; one is `untried`."""
    beside: dict[int, set[int]] = {}
    for a, b in joined:
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    three = sorted({(a, b, c) for a, b in joined for c in beside[a] & beside[b] if c > b})
    three = [blocks for blocks in three if untried & set(blocks)][: ballot.config.most_triangles]
    found = [closed for blocks in three if (closed := _close_triangle(ballot, *blocks)) is not None]
    if not found:
        return []
    first, second = max(found, key=lambda joins: joins[0].rank)
    return [first, second]


def _close_triangle(ballot: _Ballot, a: int, b: int, c: int) -> tuple[_Proposal, _Proposal] | None:
    """The strongest three edges between these blocks whose turns close, as b and c joined to a."""
    ends = ballot.block_ends()
    sides = []
    for pair in ((a, b), (b, c), (a, c)):
        rows = np.flatnonzero((ends == pair).all(axis=1))
        sides.append(
            rows[np.argsort(-ballot.edges.strength[rows], kind="stable")[: ballot.config.most_sides]]
        )
    first, second, third = (_turns(ballot, into, rows) for into, rows in zip((a, b, a), sides, strict=True))
    around = (first[:, None] @ second[None])[:, :, None] @ np.swapaxes(third, -1, -2)
    closes = rotation_angle_deg(around) < ballot.same_deg
    one, two, three = (ballot.edges.strength[rows] for rows in sides)
    total = np.where(closes, one[:, None, None] + two[:, None] + three, 0.0)
    here, _, there = np.unravel_index(int(np.argmax(total)), total.shape)
    rank = (1, 1, float(total.max()))
    if not closes.any():
        return None
    return _Proposal(a, b, first[here], rank, True), _Proposal(a, c, third[there], rank, True)


def _turns(ballot: _Ballot, into: int, rows: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k 3 3"]:
    """into_from_moved as each edge has it."""
    tail, head = ballot.edges.tail[rows], ballot.edges.head[rows]
    chained = ballot.edges.j_from_i[rows, :3, :3] @ ballot.rotations[tail]
    turns = np.swapaxes(chained, -1, -2) @ ballot.rotations[head]
    forward = ballot.labels[tail] == into
    return np.where(forward[:, None, None], turns, np.swapaxes(turns, -1, -2))


def _count_undirected(
    edges: Edges, rows: Int[np.ndarray, " k"], same: Bool[np.ndarray, "k k"]
) -> Int[np.ndarray, " k"]:
    """How many pairs each row of `same` holds, both directions counted once."""
    ends = np.sort(np.stack([edges.tail[rows], edges.head[rows]], axis=1), axis=1)
    pair = np.unique(ends, axis=0, return_inverse=True)[1].ravel()
    return np.count_nonzero(same.astype(np.int64) @ np.eye(pair.max() + 1, dtype=np.int64)[pair], axis=1)
