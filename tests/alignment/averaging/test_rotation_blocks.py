"""Rotations put to the vote: what most pairs say of a view outweighs any number that disagree."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.averaging.motion import AveragingConfig
from dust3r_sfm.alignment.averaging.rotation_blocks import align_rotation_blocks
from dust3r_sfm.alignment.averaging.rotations import average_rotations
from dust3r_sfm.alignment.averaging.triplets import triplet_support
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import rigid, rotation_angle_deg, rotation_from_vector

CONFIG = AveragingConfig()


def edges_between(rotations, pairs, wrong=(), rng=None, noise=0.0):
    """Both directions of each pair, without points; `wrong` ones have a turn of their own."""
    rng = np.random.default_rng(0) if rng is None else rng
    rows = []
    for i, j in pairs:
        relative = rotations[j] @ rotations[i].T
        if (i, j) in wrong:
            axis = rng.standard_normal(3)
            relative = rotation_from_vector(axis / np.linalg.norm(axis) * rng.uniform(0.6, 3.0)) @ relative
        rows += [(i, j, relative), (j, i, relative.T)]
    tail, head = (np.array([row[k] for row in rows]) for k in (0, 1))
    count = len(rows)
    turned = rotation_from_vector(noise * rng.standard_normal((count, 3))) @ np.stack(
        [row[2] for row in rows]
    )
    none = np.zeros((count, 0))
    return Edges(
        tail, head, rigid(turned, np.zeros((count, 3))), np.ones(count, dtype=bool), np.ones(count),
        none, none, none[..., None].repeat(3, 2), none,
        none[..., None].repeat(2, 2), none[..., None].repeat(2, 2), none, none,
    )  # fmt: skip


def random_rotations(count, seed=0):
    return rotation_from_vector(np.random.default_rng(seed).uniform(-1, 1, (count, 3)))


def averaged(edges, support, num_views):
    return average_rotations(edges, support, num_views, CONFIG.rotations, CONFIG.blocks, CONFIG.tolerance)


def largest_error_deg(found, true):
    return rotation_angle_deg((found @ found[0].T) @ np.swapaxes(true @ true[0].T, -1, -2)).max()


@pytest.mark.parametrize("seed", range(8))
def test_two_pairs_outvote_any_number_that_disagree(seed):
    """Six views know each other; the seventh has two good pairs and four wrong ones, and starts where one of
    these has it."""
    rng = np.random.default_rng(seed)
    true = random_rotations(7, seed)
    ring = [(i, j) for i in range(6) for j in range(i)]
    lies = {(6, k) for k in range(4)}
    edges = edges_between(true, [*ring, *((6, k) for k in range(6))], lies, rng)
    start = true.copy()
    lie = np.flatnonzero((edges.tail == 0) & (edges.head == 6))[0]
    start[6] = edges.j_from_i[lie, :3, :3] @ start[0]
    chained = np.swapaxes(start[edges.head], -1, -2) @ edges.j_from_i[:, :3, :3] @ start[edges.tail]
    errors_deg = rotation_angle_deg(chained)
    bound_deg = CONFIG.tolerance.rotation_bound_deg(errors_deg)
    found = align_rotation_blocks(edges, start, errors_deg, bound_deg, CONFIG.blocks)
    assert largest_error_deg(found.rotations, true) < 1e-5
    assert not found.undecided.any()


def test_a_view_of_two_contradicting_pairs_is_left_undecided():
    true = random_rotations(5)
    known = [(i, j) for i in range(4) for j in range(i)]
    edges = edges_between(true, [*known, (4, 0), (4, 1)], {(4, 1)})
    found = averaged(edges, triplet_support(edges, CONFIG.triplets), 5)
    assert set(np.flatnonzero(found.undecided)) == set(np.flatnonzero((edges.tail == 4) | (edges.head == 4)))
    assert largest_error_deg(found.of_views[:4], true[:4]) < 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_three_single_pairs_that_close_join_three_blocks(seed):
    """Two halves and a view between them hold by one good pair on each side; each has two wrong ones."""
    rng = np.random.default_rng(seed)
    true = random_rotations(9, seed)
    halves = [(i, j) for half in (range(4), range(4, 8)) for i in half for j in half if j < i]
    lies = {(0, 5), (1, 6), (8, 1), (8, 2), (8, 6), (8, 7)}
    edges = edges_between(true, [*halves, (3, 4), (8, 3), (8, 5), *sorted(lies)], lies, rng)
    found = averaged(edges, triplet_support(edges, CONFIG.triplets), 9)
    assert not found.undecided.any()
    assert largest_error_deg(found.of_views, true) < 0.01


def test_the_far_stronger_of_two_contradicting_pairs_is_believed():
    true = random_rotations(5)
    known = [(i, j) for i in range(4) for j in range(i)]
    edges = edges_between(true, [*known, (4, 0), (4, 1)], {(4, 1)})
    weak = np.isin(edges.tail, (1, 4)) & np.isin(edges.head, (1, 4))
    edges = replace(edges, strength=np.where(weak, 0.3, 1.0))
    found = averaged(edges, edges.strength, 5)
    assert not found.undecided.any()
    assert largest_error_deg(found.of_views, true) < 0.01
    assert (found.error_deg > 20).nonzero()[0].tolist() == np.flatnonzero(weak).tolist()


def held_by_triplets(pairs, count):
    """Views that a chain of triangles of these pairs joins to the most others."""
    joined = np.zeros((count, count), dtype=int)
    joined[tuple(np.array(pairs).T)] = joined[tuple(np.array(pairs).T[::-1])] = 1
    reach = ((joined @ joined) * joined > 0) | np.eye(count, dtype=bool)
    for _ in range(6):
        reach = reach @ reach
    return reach[reach.sum(axis=1).argmax()]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3])
def test_every_view_that_good_triplets_hold_is_right(share, seed):
    """Each view has a pair with the three on either side of it, and this share of all pairs is nonsense."""
    rng = np.random.default_rng(seed)
    true = random_rotations(16, seed)
    pairs = [(i, (i + step) % 16) for i in range(16) for step in (1, 2, 3)]
    wrong = {pairs[k] for k in rng.permutation(len(pairs))[: round(share * len(pairs))]}
    edges = edges_between(true, pairs, wrong, rng, noise=0.003)
    found = averaged(edges, triplet_support(edges, CONFIG.triplets), 16)
    held = held_by_triplets([pair for pair in pairs if pair not in wrong], 16)
    assert held.sum() >= 8
    assert largest_error_deg(found.of_views[held], true[held]) < 1.0
